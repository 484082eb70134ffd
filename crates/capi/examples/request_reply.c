/* A server that answers every question, and a client that asks three.
 *
 *     cc request_reply.c $(pkg-config --cflags --libs libzmq) && ./a.out */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static void *must (void *made, const char *what)
{
    if (made == NULL) {
        fprintf (stderr, "%s: %s\n", what, zmq_strerror (zmq_errno ()));
        exit (EXIT_FAILURE);
    }
    return made;
}

static int need (int result, const char *what)
{
    if (result == -1) {
        fprintf (stderr, "%s: %s\n", what, zmq_strerror (zmq_errno ()));
        exit (EXIT_FAILURE);
    }
    return result;
}

/* Answers until it is told to stop. */
static void serve (void *server)
{
    char question[32];
    char answer[64];
    do {
        int length = need (zmq_recv (server, question, 31, 0), "receive");
        question[length > 31 ? 31 : length] = '\0';
        snprintf (answer, sizeof answer, "%s, world", question);
        need (zmq_send (server, answer, strlen (answer), 0), "answer");
    } while (strcmp (question, "goodbye") != 0);
}

int main (void)
{
    const char *questions[] = {"hello", "how are you", "goodbye"};
    char endpoint[64];
    size_t size = sizeof endpoint;
    size_t i;

    void *context = must (zmq_ctx_new (), "context");
    void *server = must (zmq_socket (context, ZMQ_REP), "server");
    void *client = must (zmq_socket (context, ZMQ_REQ), "client");
    void *thread;

    /* Any free port; the socket tells which. */
    need (zmq_bind (server, "tcp://127.0.0.1:*"), "bind");
    need (zmq_getsockopt (server, ZMQ_LAST_ENDPOINT, endpoint, &size), "port");
    thread = must (zmq_threadstart (serve, server), "thread");

    need (zmq_connect (client, endpoint), "connect");
    for (i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        char answer[64];
        int length;
        need (zmq_send (client, questions[i], strlen (questions[i]), 0), "ask");
        length = need (zmq_recv (client, answer, sizeof answer, 0), "receive");
        printf ("%.*s\n", length, answer);
    }

    zmq_threadclose (thread);
    zmq_close (client);
    zmq_close (server);
    need (zmq_ctx_term (context), "end");
    return EXIT_SUCCESS;
}
