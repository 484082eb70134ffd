/* A publisher of two topics, and a subscriber to one of them.
 *
 *     cc publish_subscribe.c $(pkg-config --cflags --libs libzmq) && ./a.out */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static void check (int holds, const char *what)
{
    if (!holds) {
        fprintf (stderr, "%s: %s\n", what, zmq_strerror (zmq_errno ()));
        exit (EXIT_FAILURE);
    }
}

/* A message of two parts: the topic and what there is to tell. */
static void publish (void *publisher, const char *topic, int celsius)
{
    char text[16];
    snprintf (text, sizeof text, "%d", celsius);
    check (zmq_send (publisher, topic, strlen (topic), ZMQ_SNDMORE) != -1,
           "topic");
    check (zmq_send (publisher, text, strlen (text), 0) != -1, "text");
}

int main (void)
{
    char endpoint[64];
    size_t size = sizeof endpoint;
    char subscription[16];
    int celsius;
    int received;
    zmq_pollitem_t item;

    void *context = zmq_ctx_new ();
    void *publisher = zmq_socket (context, ZMQ_XPUB);
    void *subscriber = zmq_socket (context, ZMQ_SUB);
    check (context && publisher && subscriber, "sockets");

    check (zmq_bind (publisher, "tcp://127.0.0.1:*") == 0, "bind");
    check (
      zmq_getsockopt (publisher, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0,
      "port");
    check (zmq_setsockopt (subscriber, ZMQ_SUBSCRIBE, "paris", 5) == 0,
           "subscribe");
    check (zmq_connect (subscriber, endpoint) == 0, "connect");

    /* What is published before the subscription is there goes to nobody. An
     * XPUB receives subscriptions: 1, then the topic. */
    check (zmq_recv (publisher, subscription, sizeof subscription, 0) == 6,
           "subscription");

    for (celsius = 20; celsius < 25; celsius++) {
        publish (publisher, "london", celsius - 5);
        publish (publisher, "paris", celsius);
    }

    item.socket = subscriber;
    item.fd = 0;
    item.events = ZMQ_POLLIN;
    for (received = 0; received < 5; received++) {
        char topic[16];
        char text[16];
        int more;
        int length;
        size_t more_size = sizeof more;
        check (zmq_poll (&item, 1, 10000) == 1, "wait");
        length = zmq_recv (subscriber, topic, sizeof topic, 0);
        check (length == 5, "topic");
        check (
          zmq_getsockopt (subscriber, ZMQ_RCVMORE, &more, &more_size) == 0
            && more == 1,
          "second part");
        length = zmq_recv (subscriber, text, sizeof text, 0);
        check (length != -1, "text");
        printf ("%.5s %.*s\n", topic, length, text);
    }

    zmq_close (subscriber);
    zmq_close (publisher);
    check (zmq_ctx_term (context) == 0, "end");
    return EXIT_SUCCESS;
}
