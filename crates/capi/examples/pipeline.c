/* Work that is shared out to three workers, whose results are added up. The
 * work is sent without being copied.
 *
 *     cc pipeline.c $(pkg-config --cflags --libs libzmq) && ./a.out */

#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#define WORKERS 3
#define PIECES 300
#define NUMBERS 100

static void check (int holds, const char *what)
{
    if (!holds) {
        fprintf (stderr, "%s: %s\n", what, zmq_strerror (zmq_errno ()));
        exit (EXIT_FAILURE);
    }
}

/* Called by the library when a piece of work is no longer in use. */
static void give_back (void *numbers, void *freed)
{
    free (numbers);
    zmq_atomic_counter_inc (freed);
}

/* Says that it is there, and adds up what it is given until that is empty. */
static void work (void *context)
{
    void *from = zmq_socket (context, ZMQ_PULL);
    void *to = zmq_socket (context, ZMQ_PUSH);
    const long ready = 0;
    size_t count;
    check (from && to, "worker");
    check (zmq_connect (from, "inproc://work") == 0, "worker's work");
    check (zmq_connect (to, "inproc://results") == 0, "worker's results");
    check (zmq_send (to, &ready, sizeof ready, 0) != -1, "ready");
    do {
        zmq_msg_t piece;
        const int *numbers;
        long sum = 0;
        size_t i;
        check (zmq_msg_init (&piece) == 0, "message");
        check (zmq_msg_recv (&piece, from, 0) != -1, "piece");
        numbers = (const int *) zmq_msg_data (&piece);
        count = zmq_msg_size (&piece) / sizeof *numbers;
        for (i = 0; i < count; i++)
            sum += numbers[i];
        check (zmq_msg_close (&piece) == 0, "close");
        if (count > 0)
            check (zmq_send (to, &sum, sizeof sum, 0) != -1, "result");
    } while (count > 0);
    zmq_close (from);
    zmq_close (to);
}

static long result (void *in)
{
    long sum;
    check (zmq_recv (in, &sum, sizeof sum, 0) == sizeof sum, "result");
    return sum;
}

int main (void)
{
    void *context = zmq_ctx_new ();
    void *out = zmq_socket (context, ZMQ_PUSH);
    void *in = zmq_socket (context, ZMQ_PULL);
    void *freed = zmq_atomic_counter_new ();
    void *workers[WORKERS];
    long sum = 0;
    int i, n;
    check (context && out && in && freed, "sockets");
    check (zmq_bind (out, "inproc://work") == 0, "work");
    check (zmq_bind (in, "inproc://results") == 0, "results");
    for (i = 0; i < WORKERS; i++) {
        workers[i] = zmq_threadstart (work, context);
        check (workers[i] != NULL, "thread");
    }
    /* Whoever comes late gets less. */
    for (i = 0; i < WORKERS; i++)
        check (result (in) == 0, "ready");

    for (i = 0; i < PIECES; i++) {
        zmq_msg_t piece;
        int *numbers = (int *) malloc (NUMBERS * sizeof *numbers);
        check (numbers != NULL, "memory");
        for (n = 0; n < NUMBERS; n++)
            numbers[n] = i * NUMBERS + n;
        check (zmq_msg_init_data (&piece, numbers, NUMBERS * sizeof *numbers,
                                  give_back, freed)
                 == 0,
               "piece");
        check (zmq_msg_send (&piece, out, 0) != -1, "send");
    }
    for (i = 0; i < PIECES; i++)
        sum += result (in);

    /* An empty piece for each: they are served in turn. */
    for (i = 0; i < WORKERS; i++)
        check (zmq_send (out, "", 0, 0) == 0, "stop");
    for (i = 0; i < WORKERS; i++)
        zmq_threadclose (workers[i]);
    zmq_close (out);
    zmq_close (in);
    check (zmq_ctx_term (context) == 0, "end");

    printf ("sum %ld, %d pieces given back\n", sum,
            zmq_atomic_counter_value (freed));
    zmq_atomic_counter_destroy (&freed);
    return EXIT_SUCCESS;
}
