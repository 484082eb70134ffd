/* A PULL that waits in a receive, and its peer.

   blocked wait|send ENDPOINT SIZE

   After a first message `wait` says READY and waits for the second, which `send` sends when it is
   told to. */

#include "bench.h"

int main (int argc, char **argv)
{
    if (argc != 4)
        die ("blocked wait|send ENDPOINT SIZE");
    size_t size = to_number (argv[3]);
    void *context = new_context ();
    if (strcmp (argv[1], "wait") == 0) {
        void *pull = new_socket (context, ZMQ_PULL);
        char real[256];
        bind_to (pull, argv[2], real);
        say ("ENDPOINT %s", real);
        expect_number (pull, size, 1);
        say ("READY");
        expect_number (pull, size, 2);
        MUST (zmq_close (pull));
    } else if (strcmp (argv[1], "send") == 0) {
        void *push = new_socket (context, ZMQ_PUSH);
        MUST (zmq_connect (push, argv[2]));
        send_number (push, size, 1);
        wait_for_driver ();
        send_number (push, size, 2);
        MUST (zmq_close (push));
    } else {
        die ("%s is no role", argv[1]);
    }
    MUST (zmq_ctx_term (context));
    say ("FINDING {}");
    return 0;
}
