/* PUSH to PULL, where the sender stays until everything has arrived.

   throughput receive|send ENDPOINT SIZE COUNT

   libzmq's own programs do not stay, and over ipc libzmq then loses what its receiver had no room
   for. */

#include "bench.h"

static void receive (void *context, const char *endpoint, size_t size, uint64_t count)
{
    void *pull = new_socket (context, ZMQ_PULL);
    void *news = new_socket (context, ZMQ_PUSH);
    char real[256], real_news[256];
    bind_to (pull, endpoint, real);
    bind_to (news, "tcp://127.0.0.1:*", real_news);
    say ("ENDPOINT %s;%s", real, real_news);
    expect_number (pull, size, 0);
    uint64_t start = now ();
    for (uint64_t i = 1; i < count; i++)
        expect_number (pull, size, i);
    say ("FINDING {\"seconds\": %.9f}", (double) (now () - start) / 1e9);
    send_number (news, 8, count);
    MUST (zmq_close (news));
    MUST (zmq_close (pull));
}

static void push_all (void *context, char *endpoint, size_t size, uint64_t count)
{
    void *push = new_socket (context, ZMQ_PUSH);
    void *news = new_socket (context, ZMQ_PULL);
    MUST (zmq_connect (news, second_endpoint (endpoint)));
    MUST (zmq_connect (push, endpoint));
    for (uint64_t i = 0; i < count; i++)
        send_number (push, size, i);
    expect_number (news, 8, count);
    say ("FINDING {}");
    MUST (zmq_close (news));
    MUST (zmq_close (push));
}

int main (int argc, char **argv)
{
    if (argc != 5)
        die ("throughput receive|send ENDPOINT SIZE COUNT");
    size_t size = to_number (argv[3]);
    uint64_t count = to_number (argv[4]);
    void *context = new_context ();
    if (strcmp (argv[1], "receive") == 0)
        receive (context, argv[2], size, count);
    else if (strcmp (argv[1], "send") == 0)
        push_all (context, argv[2], size, count);
    else
        die ("%s is no role", argv[1]);
    MUST (zmq_ctx_term (context));
    return 0;
}
