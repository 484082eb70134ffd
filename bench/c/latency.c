/* REQ and REP, and how long each round trip took.

   latency echo|ask|ask-inproc ENDPOINT SIZE COUNT [sleep] */

#include "bench.h"

#include <pthread.h>

/* ZINCMQ_SPIN: it is compiled with libzmq's header. */
#define SPIN 7001

/* Between one power of two and the next: so many steps, each less than one percent. */
#define STEPS 128
static uint64_t counts[58 * STEPS];
static uint64_t longest;
static double sum;

static size_t slot_of (uint64_t nanoseconds)
{
    if (nanoseconds < STEPS)
        return nanoseconds;
    unsigned shift = 63 - (unsigned) __builtin_clzll (nanoseconds) - 7;
    return (shift + 1) * STEPS + (nanoseconds >> shift) - STEPS;
}

/* The middle of what falls into the slot. */
static double value_of (size_t slot)
{
    if (slot < STEPS)
        return (double) slot;
    unsigned shift = (unsigned) (slot / STEPS) - 1;
    uint64_t least = (STEPS + slot % STEPS) << shift;
    return (double) least + (double) ((uint64_t) 1 << shift) / 2;
}

static void record (uint64_t nanoseconds)
{
    counts[slot_of (nanoseconds)]++;
    sum += (double) nanoseconds;
    if (nanoseconds > longest)
        longest = nanoseconds;
}

/* What PART of COUNT values do not exceed, one way and in microseconds. */
static double quantile (double part, uint64_t count)
{
    uint64_t rank = (uint64_t) (part * (double) (count - 1)) + 1;
    uint64_t seen = 0;
    for (size_t slot = 0; slot < sizeof counts / sizeof *counts; slot++) {
        seen += counts[slot];
        if (seen >= rank)
            return value_of (slot) / 2000;
    }
    return (double) longest / 2000;
}

/* Round trips before the first that counts. */
static uint64_t warm_up (uint64_t count)
{
    return count / 10 < 1000 ? count / 10 : 1000;
}

static void echo (void *rep, size_t size, uint64_t count)
{
    uint64_t all = warm_up (count) + count;
    zmq_msg_t message;
    MUST (zmq_msg_init (&message));
    for (uint64_t i = 0; i < all; i++) {
        MUST (zmq_msg_recv (&message, rep, 0));
        if (zmq_msg_size (&message) != size)
            die ("a request of %zu bytes, expected %zu", zmq_msg_size (&message), size);
        MUST (zmq_msg_send (&message, rep, 0));
    }
    MUST (zmq_msg_close (&message));
}

static void ask (void *req, size_t size, uint64_t count)
{
    uint64_t untimed = warm_up (count);
    for (uint64_t i = 0; i < untimed + count; i++) {
        uint64_t start = now ();
        send_number (req, size, i);
        expect_number (req, size, i);
        if (i >= untimed)
            record (now () - start);
    }
    say ("FINDING {\"median\": %.3f, \"p99\": %.3f, \"max\": %.3f, \"mean\": %.3f}",
         quantile (0.5, count), quantile (0.99, count), (double) longest / 2000,
         sum / (double) count / 2000);
}

struct server {
    void *rep;
    size_t size;
    uint64_t count;
};

static void *serve (void *argument)
{
    struct server *server = argument;
    echo (server->rep, server->size, server->count);
    return NULL;
}

int main (int argc, char **argv)
{
    int sleeps = argc == 6 && strcmp (argv[5], "sleep") == 0;
    if (argc != 5 && !sleeps)
        die ("latency echo|ask|ask-inproc ENDPOINT SIZE COUNT [sleep]");
    const char *role = argv[1], *endpoint = argv[2];
    size_t size = to_number (argv[3]);
    uint64_t count = to_number (argv[4]);
    char real[256];
    void *context = new_context ();
    if (sleeps && zmq_has ("zincmq"))
        MUST (zmq_ctx_set (context, SPIN, 0));

    if (strcmp (role, "echo") == 0) {
        void *rep = new_socket (context, ZMQ_REP);
        bind_to (rep, endpoint, real);
        say ("ENDPOINT %s", real);
        echo (rep, size, count);
        say ("FINDING {}");
        MUST (zmq_close (rep));
    } else if (strcmp (role, "ask") == 0) {
        void *req = new_socket (context, ZMQ_REQ);
        MUST (zmq_connect (req, endpoint));
        ask (req, size, count);
        MUST (zmq_close (req));
    } else if (strcmp (role, "ask-inproc") == 0) {
        void *rep = new_socket (context, ZMQ_REP);
        void *req = new_socket (context, ZMQ_REQ);
        MUST (zmq_bind (rep, endpoint));
        MUST (zmq_connect (req, endpoint));
        struct server server = {rep, size, count};
        pthread_t thread;
        if (pthread_create (&thread, NULL, serve, &server) != 0)
            die ("pthread_create");
        ask (req, size, count);
        if (pthread_join (thread, NULL) != 0)
            die ("pthread_join");
        MUST (zmq_close (rep));
        MUST (zmq_close (req));
    } else {
        die ("%s is no role", role);
    }
    MUST (zmq_ctx_term (context));
    return 0;
}
