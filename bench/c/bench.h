/* What the programs share. Each says where it can be reached on a line ENDPOINT, and what it found
   on a line FINDING, and fails where a message is not the one that was sent. */
#ifndef BENCH_H
#define BENCH_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

__attribute__ ((noreturn, format (printf, 1, 2))) static inline void
die (const char *format, ...)
{
    va_list values;
    va_start (values, format);
    vfprintf (stderr, format, values);
    va_end (values);
    fputc ('\n', stderr);
    exit (1);
}

static inline int must (int result, const char *call)
{
    if (result < 0)
        die ("%s: %s", call, zmq_strerror (zmq_errno ()));
    return result;
}

/* The call has to succeed. */
#define MUST(call) must ((call), #call)

__attribute__ ((format (printf, 1, 2))) static inline void say (const char *format, ...)
{
    va_list values;
    va_start (values, format);
    vprintf (format, values);
    va_end (values);
    putchar ('\n');
    fflush (stdout);
}

/* Until the driver says so, which it does with an empty line, or is gone. */
static inline void wait_for_driver (void)
{
    int byte;
    do
        byte = getchar ();
    while (byte != '\n' && byte != EOF);
}

static inline uint64_t now (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (uint64_t) time.tv_sec * 1000000000u + (uint64_t) time.tv_nsec;
}

static inline void *new_context (void)
{
    void *context = zmq_ctx_new ();
    if (!context)
        die ("zmq_ctx_new: %s", zmq_strerror (zmq_errno ()));
    return context;
}

static inline void *new_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    if (!socket)
        die ("zmq_socket: %s", zmq_strerror (zmq_errno ()));
    return socket;
}

static inline void set_option (void *socket, int option, int value)
{
    MUST (zmq_setsockopt (socket, option, &value, sizeof value));
}

/* Binds to ENDPOINT and writes where that is, a port in place of `*`. */
static inline void bind_to (void *socket, const char *endpoint, char real[256])
{
    size_t size = 256;
    MUST (zmq_bind (socket, endpoint));
    MUST (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, real, &size));
}

/* A message begins with its number, as far as there is room. */
static inline void put_number (void *bytes, size_t size, uint64_t number)
{
    memcpy (bytes, &number, size < sizeof number ? size : sizeof number);
}

static inline uint64_t number_of (const void *bytes, size_t size)
{
    uint64_t number = 0;
    memcpy (&number, bytes, size < sizeof number ? size : sizeof number);
    return number;
}

/* Cuts `ENDPOINT;SECOND` in two and returns the second. */
static inline const char *second_endpoint (char *endpoints)
{
    char *end = strchr (endpoints, ';');
    if (!end)
        die ("%s: two endpoints are needed", endpoints);
    *end = '\0';
    return end + 1;
}

/* Sends SIZE bytes that begin with NUMBER. */
static inline void send_number (void *socket, size_t size, uint64_t number)
{
    zmq_msg_t message;
    MUST (zmq_msg_init_size (&message, size));
    put_number (zmq_msg_data (&message), size, number);
    MUST (zmq_msg_send (&message, socket, 0));
}

/* The number of the next message, which has to be of SIZE bytes. */
static inline uint64_t recv_number (void *socket, size_t size)
{
    zmq_msg_t message;
    MUST (zmq_msg_init (&message));
    MUST (zmq_msg_recv (&message, socket, 0));
    if (zmq_msg_size (&message) != size)
        die ("a message of %zu bytes, expected %zu", zmq_msg_size (&message), size);
    uint64_t number = number_of (zmq_msg_data (&message), size);
    MUST (zmq_msg_close (&message));
    return number;
}

static inline void expect_number (void *socket, size_t size, uint64_t number)
{
    uint64_t found = recv_number (socket, size);
    if (found != number)
        die ("message %llu came instead of %llu", (unsigned long long) found,
             (unsigned long long) number);
}

static inline uint64_t to_number (const char *text)
{
    char *end;
    uint64_t number = strtoull (text, &end, 10);
    if (*text == '\0' || *end != '\0')
        die ("%s is not a number", text);
    return number;
}

#endif
