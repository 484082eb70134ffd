/* PUB to many SUBs, none of which misses a message.

   fanout publish|subscribe ENDPOINT SIZE COUNT SUBSCRIBERS

   What is published first, until every subscription is in force, has this number: */
#define PROBE UINT64_MAX

#include "bench.h"

/* So many messages are taken from one subscriber before it is the next one's turn: fewer than a
   queue holds, so that the publisher always goes on. */
#define TURN 100

static void publish (void *context, const char *endpoint, size_t size, uint64_t count)
{
    void *pub = new_socket (context, ZMQ_PUB);
    void *news = new_socket (context, ZMQ_PULL);
    char real[256], real_news[256];
    /* It waits for the slowest instead of leaving messages out. */
    set_option (pub, ZMQ_XPUB_NODROP, 1);
    bind_to (pub, endpoint, real);
    bind_to (news, "tcp://127.0.0.1:*", real_news);
    say ("ENDPOINT %s;%s", real, real_news);

    zmq_pollitem_t ready = {news, 0, ZMQ_POLLIN, 0};
    do
        send_number (pub, size, PROBE);
    while (MUST (zmq_poll (&ready, 1, 10)) == 0);
    expect_number (news, 8, 0);

    for (uint64_t i = 0; i < count; i++)
        send_number (pub, size, i);
    expect_number (news, 8, count);
    say ("FINDING {}");
    MUST (zmq_close (news));
    MUST (zmq_close (pub));
}

/* The next message that is none of the first. */
static uint64_t next (void *sub, size_t size)
{
    uint64_t number;
    do
        number = recv_number (sub, size);
    while (number == PROBE);
    return number;
}

static void subscribe (void *context, char *endpoint, size_t size, uint64_t count, size_t many)
{
    void *news = new_socket (context, ZMQ_PUSH);
    MUST (zmq_connect (news, second_endpoint (endpoint)));
    void **subs = calloc (many, sizeof *subs);
    if (!subs)
        die ("no memory");
    for (size_t i = 0; i < many; i++) {
        subs[i] = new_socket (context, ZMQ_SUB);
        MUST (zmq_setsockopt (subs[i], ZMQ_SUBSCRIBE, "", 0));
        MUST (zmq_connect (subs[i], endpoint));
    }
    for (size_t i = 0; i < many; i++)
        expect_number (subs[i], size, PROBE);
    send_number (news, 8, 0);

    uint64_t start = 0;
    for (uint64_t done = 0; done < count; done += TURN) {
        uint64_t end = done + TURN < count ? done + TURN : count;
        for (size_t i = 0; i < many; i++) {
            for (uint64_t number = done; number < end; number++) {
                uint64_t found = next (subs[i], size);
                if (found != number)
                    die ("subscriber %zu: message %llu came instead of %llu", i,
                         (unsigned long long) found, (unsigned long long) number);
                if (start == 0)
                    start = now ();
            }
        }
    }
    say ("FINDING {\"seconds\": %.9f}", (double) (now () - start) / 1e9);
    send_number (news, 8, count);
    for (size_t i = 0; i < many; i++)
        MUST (zmq_close (subs[i]));
    free (subs);
    MUST (zmq_close (news));
}

int main (int argc, char **argv)
{
    if (argc != 6)
        die ("fanout publish|subscribe ENDPOINT SIZE COUNT SUBSCRIBERS");
    size_t size = to_number (argv[3]);
    uint64_t count = to_number (argv[4]);
    void *context = new_context ();
    if (strcmp (argv[1], "publish") == 0)
        publish (context, argv[2], size, count);
    else if (strcmp (argv[1], "subscribe") == 0)
        subscribe (context, argv[2], size, count, to_number (argv[5]));
    else
        die ("%s is no role", argv[1]);
    MUST (zmq_ctx_term (context));
    return 0;
}
