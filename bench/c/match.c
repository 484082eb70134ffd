/* What it costs to publish when one subscriber has many subscriptions.

   match alone ENDPOINT SIZE COUNT TOPICS

   Topics are 16 hexadecimal digits, spread evenly. */

#include "bench.h"

#include <unistd.h>

#define TOPIC 16
/* Messages that may wait for the subscriber. */
#define TURN 100
/* Numbers from here on are topics that nobody subscribes to. */
#define NOBODYS ((uint64_t) 1 << 40)

/* Spreads numbers: each step can be undone, so no two of them meet. */
static uint64_t spread (uint64_t number)
{
    for (int i = 0; i < 2; i++) {
        number *= 0x9e3779b97f4a7c15u;
        number ^= number >> 32;
    }
    return number;
}

static void put_topic (char *bytes, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t topic = spread (number);
    for (int i = 0; i < TOPIC; i++)
        bytes[i] = digits[topic >> (60 - 4 * i) & 15];
}

static double resident_bytes (void)
{
    FILE *file = fopen ("/proc/self/statm", "r");
    unsigned long all, resident;
    if (!file || fscanf (file, "%lu %lu", &all, &resident) != 2)
        die ("/proc/self/statm");
    fclose (file);
    return (double) resident * (double) sysconf (_SC_PAGESIZE);
}

/* Publishes TURN messages, of which the subscriber gets as many as it EXPECTS, and returns the
   nanoseconds until the last was published. FIRST is the number of the first topic; they follow
   each other, and begin again at 0 after LAST. */
static uint64_t
publish (void *pub, void *sub, size_t size, uint64_t first, uint64_t topics, int expects)
{
    char messages[TURN][TOPIC];
    for (uint64_t i = 0; i < TURN; i++)
        put_topic (messages[i], expects ? (first + i) % topics : NOBODYS + first + i);
    uint64_t start = now ();
    for (uint64_t i = 0; i < TURN; i++) {
        zmq_msg_t message;
        MUST (zmq_msg_init_size (&message, size));
        memcpy (zmq_msg_data (&message), messages[i], TOPIC);
        MUST (zmq_msg_send (&message, pub, 0));
    }
    uint64_t elapsed = now () - start;
    for (uint64_t i = 0; expects && i < TURN; i++) {
        zmq_msg_t message;
        MUST (zmq_msg_init (&message));
        MUST (zmq_msg_recv (&message, sub, 0));
        if (zmq_msg_size (&message) != size
            || memcmp (zmq_msg_data (&message), messages[i], TOPIC) != 0)
            die ("another message came than was published");
        MUST (zmq_msg_close (&message));
    }
    return elapsed;
}

/* Subscriptions travel as messages do: publishes to the last one until it is in force. */
static void wait_for_topic (void *pub, void *sub, size_t size, uint64_t number)
{
    char topic[TOPIC];
    put_topic (topic, number);
    set_option (sub, ZMQ_RCVTIMEO, 1);
    zmq_msg_t message;
    MUST (zmq_msg_init (&message));
    do {
        zmq_msg_t probe;
        MUST (zmq_msg_init_size (&probe, size));
        memcpy (zmq_msg_data (&probe), topic, TOPIC);
        MUST (zmq_msg_send (&probe, pub, 0));
    } while (zmq_msg_recv (&message, sub, 0) < 0);
    /* Whatever else was published meanwhile. */
    while (zmq_msg_recv (&message, sub, 0) >= 0)
        ;
    MUST (zmq_msg_close (&message));
    set_option (sub, ZMQ_RCVTIMEO, -1);
}

int main (int argc, char **argv)
{
    if (argc != 6 || strcmp (argv[1], "alone") != 0)
        die ("match alone ENDPOINT SIZE COUNT TOPICS");
    size_t size = to_number (argv[3]);
    uint64_t count = to_number (argv[4]), topics = to_number (argv[5]);
    if (size < TOPIC)
        die ("a message holds a topic of %d bytes", TOPIC);
    void *context = new_context ();
    void *pub = new_socket (context, ZMQ_PUB);
    void *sub = new_socket (context, ZMQ_SUB);
    /* No subscription is to be lost on its way, and no message: a publisher in a hurry learns late
       that its subscriber has made room. */
    set_option (pub, ZMQ_RCVHWM, 0);
    set_option (pub, ZMQ_SNDHWM, 0);
    set_option (sub, ZMQ_RCVHWM, 0);
    set_option (sub, ZMQ_SNDHWM, 0);
    MUST (zmq_bind (pub, argv[2]));
    MUST (zmq_connect (sub, argv[2]));

    double before = resident_bytes ();
    for (uint64_t i = 0; i < topics; i++) {
        char topic[TOPIC];
        put_topic (topic, i);
        MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, TOPIC));
    }
    wait_for_topic (pub, sub, size, topics - 1);
    double bytes = (resident_bytes () - before) / (double) topics;

    uint64_t hit = 0, miss = 0, rounds = (count + TURN - 1) / TURN;
    for (uint64_t i = 0; i < rounds; i++) {
        /* Not one after the other: near ones would be in the cache. */
        uint64_t first = spread (i) % topics;
        hit += publish (pub, sub, size, first, topics, 1);
        miss += publish (pub, sub, size, first, topics, 0);
    }
    double published = (double) (rounds * TURN);
    say ("FINDING {\"publish_nanos\": %.2f, \"publish_nanos_unmatched\": %.2f, "
         "\"bytes_per_subscription\": %.1f}",
         (double) hit / published, (double) miss / published, bytes);
    MUST (zmq_close (pub));
    MUST (zmq_close (sub));
    MUST (zmq_ctx_term (context));
    return 0;
}
