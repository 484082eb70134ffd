/* Many DEALERs, each with its own connection, and one ROUTER that sends back what it gets.

   connections serve|connect ENDPOINT SIZE COUNT CONNECTIONS

   When each connection has carried one message to and fro, `connect` says READY. Told to go on, it
   sends COUNT messages over them in turn. */

#include "bench.h"

#include <sys/resource.h>

/* So many requests are on their way at once, however many connections there are. */
#define TURN 100

/* As many files as the system lets this process have. */
static void raise_file_limit (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
        die ("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit (RLIMIT_NOFILE, &limit) != 0)
        die ("setrlimit");
}

static void serve (void *context, const char *endpoint, uint64_t count)
{
    void *router = new_socket (context, ZMQ_ROUTER);
    char real[256];
    set_option (router, ZMQ_BACKLOG, 4096);
    set_option (router, ZMQ_ROUTER_MANDATORY, 1);
    bind_to (router, endpoint, real);
    say ("ENDPOINT %s", real);
    zmq_msg_t part;
    MUST (zmq_msg_init (&part));
    for (uint64_t i = 0; i < count; i++) {
        int more;
        do {
            MUST (zmq_msg_recv (&part, router, 0));
            more = zmq_msg_more (&part);
            MUST (zmq_msg_send (&part, router, more ? ZMQ_SNDMORE : 0));
        } while (more);
    }
    MUST (zmq_msg_close (&part));
    say ("FINDING {}");
    MUST (zmq_close (router));
}

/* Sends COUNT messages over the first MANY sockets in turn, and gets them back. */
static void exchange (void **dealers, size_t many, size_t size, uint64_t count)
{
    uint64_t turn = many < TURN ? many : TURN;
    for (uint64_t done = 0; done < count; done += turn) {
        uint64_t end = done + turn < count ? done + turn : count;
        for (uint64_t i = done; i < end; i++)
            send_number (dealers[i % many], size, i);
        for (uint64_t i = done; i < end; i++)
            expect_number (dealers[i % many], size, i);
    }
}

static void connect_all (void *context, const char *endpoint, size_t size, uint64_t count, size_t many)
{
    void **dealers = calloc (many, sizeof *dealers);
    if (!dealers)
        die ("no memory");
    for (size_t i = 0; i < many; i++) {
        dealers[i] = new_socket (context, ZMQ_DEALER);
        MUST (zmq_connect (dealers[i], endpoint));
    }
    exchange (dealers, many, size, many);
    say ("READY");
    wait_for_driver ();
    uint64_t start = now ();
    exchange (dealers, many, size, count);
    say ("FINDING {\"seconds\": %.9f}", (double) (now () - start) / 1e9);
    for (size_t i = 0; i < many; i++)
        MUST (zmq_close (dealers[i]));
    free (dealers);
}

int main (int argc, char **argv)
{
    if (argc != 6)
        die ("connections serve|connect ENDPOINT SIZE COUNT CONNECTIONS");
    size_t size = to_number (argv[3]);
    uint64_t count = to_number (argv[4]), many = to_number (argv[5]);
    raise_file_limit ();
    void *context = new_context ();
    MUST (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, (int) many + 8));
    if (strcmp (argv[1], "serve") == 0)
        serve (context, argv[2], many + count);
    else if (strcmp (argv[1], "connect") == 0)
        connect_all (context, argv[2], size, count, many);
    else
        die ("%s is no role", argv[1]);
    MUST (zmq_ctx_term (context));
    return 0;
}
