/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* zmq.h - the C interface of ZincMQ. Programs written for libzmq 4.3.5 compile
 * against it unchanged and run on either library.
 *
 * Unless it says otherwise, a function that returns int returns -1, and one
 * that returns a pointer returns NULL, when it fails; zmq_errno tells why.
 *
 * What is not yet stable in libzmq is at the end, and declared only where
 * ZMQ_BUILD_DRAFT_API is defined before this file is included. The library
 * always has it.
 *
 * libzmq's manual, https://libzmq.readthedocs.io, tells what each function and
 * option does; crates/capi/README.md tells where this library differs. */

#ifndef __ZMQ_H_INCLUDED__
#define __ZMQ_H_INCLUDED__

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Says that the types of stdint.h are there. */
#define ZMQ_DEFINED_STDINT 1

#if defined ZMQ_NO_EXPORT
#define ZMQ_EXPORT
#elif defined __GNUC__ && __GNUC__ >= 4
#define ZMQ_EXPORT __attribute__ ((visibility ("default")))
#else
#define ZMQ_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version ------------------------------------------------------------ */

/* The version of libzmq whose interface this is. */
#define ZMQ_VERSION_MAJOR 4
#define ZMQ_VERSION_MINOR 3
#define ZMQ_VERSION_PATCH 5

/* One number, for comparisons: 40305 for 4.3.5. */
#define ZMQ_MAKE_VERSION(major, minor, patch)                                  \
    ((major) * 10000 + (minor) * 100 + (patch))
#define ZMQ_VERSION                                                            \
    ZMQ_MAKE_VERSION (ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH)

/* The version of the library that runs, which may be another one. */
ZMQ_EXPORT void zmq_version (int *major, int *minor, int *patch);

/* ---- Errors ------------------------------------------------------------- */

/* Error numbers that no system uses start above this one. */
#define ZMQ_HAUSNUMERO 156384712

/* POSIX names, for systems that lack them. */
#ifndef ENOTSUP
#define ENOTSUP (ZMQ_HAUSNUMERO + 1)
#endif
#ifndef EPROTONOSUPPORT
#define EPROTONOSUPPORT (ZMQ_HAUSNUMERO + 2)
#endif
#ifndef ENOBUFS
#define ENOBUFS (ZMQ_HAUSNUMERO + 3)
#endif
#ifndef ENETDOWN
#define ENETDOWN (ZMQ_HAUSNUMERO + 4)
#endif
#ifndef EADDRINUSE
#define EADDRINUSE (ZMQ_HAUSNUMERO + 5)
#endif
#ifndef EADDRNOTAVAIL
#define EADDRNOTAVAIL (ZMQ_HAUSNUMERO + 6)
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED (ZMQ_HAUSNUMERO + 7)
#endif
#ifndef EINPROGRESS
#define EINPROGRESS (ZMQ_HAUSNUMERO + 8)
#endif
#ifndef ENOTSOCK
#define ENOTSOCK (ZMQ_HAUSNUMERO + 9)
#endif
#ifndef EMSGSIZE
#define EMSGSIZE (ZMQ_HAUSNUMERO + 10)
#endif
#ifndef EAFNOSUPPORT
#define EAFNOSUPPORT (ZMQ_HAUSNUMERO + 11)
#endif
#ifndef ENETUNREACH
#define ENETUNREACH (ZMQ_HAUSNUMERO + 12)
#endif
#ifndef ECONNABORTED
#define ECONNABORTED (ZMQ_HAUSNUMERO + 13)
#endif
#ifndef ECONNRESET
#define ECONNRESET (ZMQ_HAUSNUMERO + 14)
#endif
#ifndef ENOTCONN
#define ENOTCONN (ZMQ_HAUSNUMERO + 15)
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT (ZMQ_HAUSNUMERO + 16)
#endif
#ifndef EHOSTUNREACH
#define EHOSTUNREACH (ZMQ_HAUSNUMERO + 17)
#endif
#ifndef ENETRESET
#define ENETRESET (ZMQ_HAUSNUMERO + 18)
#endif

/* ZeroMQ's own. */
#define EFSM (ZMQ_HAUSNUMERO + 51)           /* not this socket's turn */
#define ENOCOMPATPROTO (ZMQ_HAUSNUMERO + 52) /* transport not for this type */
#define ETERM (ZMQ_HAUSNUMERO + 53)          /* the context was terminated */
#define EMTHREAD (ZMQ_HAUSNUMERO + 54)       /* no I/O thread to use */

/* The calling thread's errno, as the library set it. */
ZMQ_EXPORT int zmq_errno (void);

/* The text for an error number, the system's or ZeroMQ's. Never NULL. */
ZMQ_EXPORT const char *zmq_strerror (int errnum);

/* ---- Contexts ----------------------------------------------------------- */

/* For zmq_ctx_set and zmq_ctx_get. */
#define ZMQ_IO_THREADS 1
#define ZMQ_MAX_SOCKETS 2
#define ZMQ_SOCKET_LIMIT 3    /* get only: the highest ZMQ_MAX_SOCKETS */
#define ZMQ_THREAD_PRIORITY 3 /* set only */
#define ZMQ_THREAD_SCHED_POLICY 4
#define ZMQ_MAX_MSGSZ 5
#define ZMQ_MSG_T_SIZE 6
#define ZMQ_THREAD_AFFINITY_CPU_ADD 7
#define ZMQ_THREAD_AFFINITY_CPU_REMOVE 8
#define ZMQ_THREAD_NAME_PREFIX 9
#define ZMQ_BLOCKY 70

/* Of this library alone: how long a thread that waits for a new socket looks
 * again before it sleeps, in microseconds; 0 is not at all. At first 20. */
#define ZINCMQ_SPIN 7001

/* What they are at first. */
#define ZMQ_IO_THREADS_DFLT 1
#define ZMQ_MAX_SOCKETS_DFLT 1023
#define ZMQ_THREAD_PRIORITY_DFLT -1
#define ZMQ_THREAD_SCHED_POLICY_DFLT -1

ZMQ_EXPORT void *zmq_ctx_new (void);

/* Waits until every socket is closed and has sent what it lingers for. After
 * EINTR it is to be called again. */
ZMQ_EXPORT int zmq_ctx_term (void *context);

/* Makes every call on the context's sockets fail with ETERM, and waits for
 * nothing. */
ZMQ_EXPORT int zmq_ctx_shutdown (void *context);

/* Options of contexts, before their first socket unless the manual says else. */
ZMQ_EXPORT int zmq_ctx_set (void *context, int option, int value);
ZMQ_EXPORT int zmq_ctx_get (void *context, int option);

/* Deprecated: zmq_ctx_new, with the number of I/O threads, and twice
 * zmq_ctx_term. */
ZMQ_EXPORT void *zmq_init (int io_threads);
ZMQ_EXPORT int zmq_term (void *context);
ZMQ_EXPORT int zmq_ctx_destroy (void *context);

/* ---- Messages ----------------------------------------------------------- */

/* One frame. To be initialised by one of the zmq_msg_init functions, closed by
 * zmq_msg_close, and read by functions only. It lies at the address of a
 * pointer, also where the compiler is not told. */
typedef struct zmq_msg_t
{
#if defined __GNUC__
    unsigned char _[64] __attribute__ ((aligned (sizeof (void *))));
#else
    unsigned char _[64];
#endif
} zmq_msg_t;

/* Gives back the memory of a message. It may run in any thread. */
typedef void (zmq_free_fn) (void *data, void *hint);

ZMQ_EXPORT int zmq_msg_init (zmq_msg_t *msg);

/* The content is yet to be written. */
ZMQ_EXPORT int zmq_msg_init_size (zmq_msg_t *msg, size_t size);

/* Takes `data` without copying it. `ffn` is called once nobody uses it any
 * more; without `ffn`, `data` must stay for ever. */
ZMQ_EXPORT int zmq_msg_init_data (
  zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *ffn, void *hint);

/* Both return the number of bytes. What was sent is empty afterwards. */
ZMQ_EXPORT int zmq_msg_send (zmq_msg_t *msg, void *socket, int flags);
ZMQ_EXPORT int zmq_msg_recv (zmq_msg_t *msg, void *socket, int flags);

ZMQ_EXPORT int zmq_msg_close (zmq_msg_t *msg);

/* Both drop what `dest` held. A copy may share its content with `src`. */
ZMQ_EXPORT int zmq_msg_move (zmq_msg_t *dest, zmq_msg_t *src);
ZMQ_EXPORT int zmq_msg_copy (zmq_msg_t *dest, zmq_msg_t *src);

ZMQ_EXPORT void *zmq_msg_data (zmq_msg_t *msg);
ZMQ_EXPORT size_t zmq_msg_size (const zmq_msg_t *msg);

/* 1 if further parts of the same message follow. */
ZMQ_EXPORT int zmq_msg_more (const zmq_msg_t *msg);

/* For zmq_msg_get. */
#define ZMQ_MORE 1
#define ZMQ_SRCFD 2 /* deprecated: the descriptor it came from */
#define ZMQ_SHARED 3

ZMQ_EXPORT int zmq_msg_get (const zmq_msg_t *msg, int property);
ZMQ_EXPORT int zmq_msg_set (zmq_msg_t *msg, int property, int value);

/* What is known of the peer, by name. The text lives as long as the message. */
ZMQ_EXPORT const char *zmq_msg_gets (const zmq_msg_t *msg,
                                     const char *property);

/* ---- Sockets ------------------------------------------------------------ */

/* Types. */
#define ZMQ_PAIR 0
#define ZMQ_PUB 1
#define ZMQ_SUB 2
#define ZMQ_REQ 3
#define ZMQ_REP 4
#define ZMQ_DEALER 5
#define ZMQ_ROUTER 6
#define ZMQ_PULL 7
#define ZMQ_PUSH 8
#define ZMQ_XPUB 9
#define ZMQ_XSUB 10
#define ZMQ_STREAM 11

/* Older names of DEALER and ROUTER. */
#define ZMQ_XREQ ZMQ_DEALER
#define ZMQ_XREP ZMQ_ROUTER

/* Any thread may use a context or a socket, and several at once. libzmq allows
 * one at a time for a socket, so portable programs keep to that. */
ZMQ_EXPORT void *zmq_socket (void *context, int type);

/* Does not wait: what is left to send goes on for as long as ZMQ_LINGER says. */
ZMQ_EXPORT int zmq_close (void *socket);

ZMQ_EXPORT int zmq_bind (void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_connect (void *socket, const char *endpoint);

/* Both take the endpoint as ZMQ_LAST_ENDPOINT gave it. */
ZMQ_EXPORT int zmq_unbind (void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_disconnect (void *socket, const char *endpoint);

/* Flags of sending and receiving. */
#define ZMQ_DONTWAIT 1 /* fail with EAGAIN instead of waiting */
#define ZMQ_SNDMORE 2  /* further parts of the same message follow */

/* All three return a number of bytes. zmq_recv cuts off what exceeds `len`, and
 * returns how long the message was. zmq_send_const does not copy: `buf` must
 * stay for ever. */
ZMQ_EXPORT int
zmq_send (void *socket, const void *buf, size_t len, int flags);
ZMQ_EXPORT int
zmq_send_const (void *socket, const void *buf, size_t len, int flags);
ZMQ_EXPORT int zmq_recv (void *socket, void *buf, size_t len, int flags);

/* `*len` is the size of `value`, and then that of what was written. */
ZMQ_EXPORT int
zmq_setsockopt (void *socket, int option, const void *value, size_t len);
ZMQ_EXPORT int
zmq_getsockopt (void *socket, int option, void *value, size_t *len);

/* ---- Socket options ----------------------------------------------------- */

#define ZMQ_AFFINITY 4
#define ZMQ_ROUTING_ID 5
#define ZMQ_SUBSCRIBE 6
#define ZMQ_UNSUBSCRIBE 7
#define ZMQ_RATE 8
#define ZMQ_RECOVERY_IVL 9
#define ZMQ_SNDBUF 11
#define ZMQ_RCVBUF 12
#define ZMQ_RCVMORE 13
/* Edge-triggered: look at ZMQ_EVENTS when it is readable, and after each send
 * and receive. */
#define ZMQ_FD 14
#define ZMQ_EVENTS 15
#define ZMQ_TYPE 16
#define ZMQ_LINGER 17
#define ZMQ_RECONNECT_IVL 18
#define ZMQ_BACKLOG 19
#define ZMQ_RECONNECT_IVL_MAX 21
#define ZMQ_MAXMSGSIZE 22
#define ZMQ_SNDHWM 23
#define ZMQ_RCVHWM 24
#define ZMQ_MULTICAST_HOPS 25
#define ZMQ_RCVTIMEO 27
#define ZMQ_SNDTIMEO 28
#define ZMQ_LAST_ENDPOINT 32
#define ZMQ_ROUTER_MANDATORY 33
#define ZMQ_TCP_KEEPALIVE 34
#define ZMQ_TCP_KEEPALIVE_CNT 35
#define ZMQ_TCP_KEEPALIVE_IDLE 36
#define ZMQ_TCP_KEEPALIVE_INTVL 37
#define ZMQ_IMMEDIATE 39
#define ZMQ_XPUB_VERBOSE 40
#define ZMQ_ROUTER_RAW 41
#define ZMQ_IPV6 42
#define ZMQ_MECHANISM 43
#define ZMQ_PLAIN_SERVER 44
#define ZMQ_PLAIN_USERNAME 45
#define ZMQ_PLAIN_PASSWORD 46
#define ZMQ_CURVE_SERVER 47
#define ZMQ_CURVE_PUBLICKEY 48
#define ZMQ_CURVE_SECRETKEY 49
#define ZMQ_CURVE_SERVERKEY 50
#define ZMQ_PROBE_ROUTER 51
#define ZMQ_REQ_CORRELATE 52
#define ZMQ_REQ_RELAXED 53
#define ZMQ_CONFLATE 54
#define ZMQ_ZAP_DOMAIN 55
#define ZMQ_ROUTER_HANDOVER 56
#define ZMQ_TOS 57
#define ZMQ_CONNECT_ROUTING_ID 61
#define ZMQ_GSSAPI_SERVER 62
#define ZMQ_GSSAPI_PRINCIPAL 63
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL 64
#define ZMQ_GSSAPI_PLAINTEXT 65
#define ZMQ_HANDSHAKE_IVL 66
#define ZMQ_SOCKS_PROXY 68
#define ZMQ_XPUB_NODROP 69
#define ZMQ_XPUB_MANUAL 71
#define ZMQ_XPUB_WELCOME_MSG 72
#define ZMQ_STREAM_NOTIFY 73
#define ZMQ_INVERT_MATCHING 74
#define ZMQ_HEARTBEAT_IVL 75
#define ZMQ_HEARTBEAT_TTL 76
#define ZMQ_HEARTBEAT_TIMEOUT 77
#define ZMQ_XPUB_VERBOSER 78
#define ZMQ_CONNECT_TIMEOUT 79
#define ZMQ_TCP_MAXRT 80
#define ZMQ_THREAD_SAFE 81
#define ZMQ_MULTICAST_MAXTPDU 84
#define ZMQ_VMCI_BUFFER_SIZE 85
#define ZMQ_VMCI_BUFFER_MIN_SIZE 86
#define ZMQ_VMCI_BUFFER_MAX_SIZE 87
#define ZMQ_VMCI_CONNECT_TIMEOUT 88
#define ZMQ_USE_FD 89
#define ZMQ_GSSAPI_PRINCIPAL_NAMETYPE 90
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE 91
#define ZMQ_BINDTODEVICE 92

/* Values of ZMQ_MECHANISM. */
#define ZMQ_NULL 0
#define ZMQ_PLAIN 1
#define ZMQ_CURVE 2
#define ZMQ_GSSAPI 3

/* Values of the two options that end in NAMETYPE. */
#define ZMQ_GSSAPI_NT_HOSTBASED 0
#define ZMQ_GSSAPI_NT_USER_NAME 1
#define ZMQ_GSSAPI_NT_KRB5_PRINCIPAL 2

/* Bytes in the name of a group of RADIO and DISH. */
#define ZMQ_GROUP_MAX_LENGTH 255

/* Deprecated options. */
#define ZMQ_IPV4ONLY 31 /* the opposite of ZMQ_IPV6 */
#define ZMQ_TCP_ACCEPT_FILTER 38
#define ZMQ_IPC_FILTER_PID 58
#define ZMQ_IPC_FILTER_UID 59
#define ZMQ_IPC_FILTER_GID 60

/* Older names of options and flags. */
#define ZMQ_IDENTITY ZMQ_ROUTING_ID
#define ZMQ_CONNECT_RID ZMQ_CONNECT_ROUTING_ID
#define ZMQ_DELAY_ATTACH_ON_CONNECT ZMQ_IMMEDIATE
#define ZMQ_FAIL_UNROUTABLE ZMQ_ROUTER_MANDATORY
#define ZMQ_ROUTER_BEHAVIOR ZMQ_ROUTER_MANDATORY
#define ZMQ_NOBLOCK ZMQ_DONTWAIT

/* ---- Monitoring --------------------------------------------------------- */

/* Events. Each is a message of two parts: the event as 16 bits and its value as
 * 32, in the machine's byte order, and then the endpoint. */
#define ZMQ_EVENT_CONNECTED 0x0001       /* value: descriptor */
#define ZMQ_EVENT_CONNECT_DELAYED 0x0002 /* value: errno */
#define ZMQ_EVENT_CONNECT_RETRIED 0x0004 /* value: milliseconds until then */
#define ZMQ_EVENT_LISTENING 0x0008       /* value: descriptor */
#define ZMQ_EVENT_BIND_FAILED 0x0010     /* value: errno */
#define ZMQ_EVENT_ACCEPTED 0x0020        /* value: descriptor */
#define ZMQ_EVENT_ACCEPT_FAILED 0x0040   /* value: errno */
#define ZMQ_EVENT_CLOSED 0x0080          /* value: descriptor */
#define ZMQ_EVENT_CLOSE_FAILED 0x0100    /* value: errno */
#define ZMQ_EVENT_DISCONNECTED 0x0200    /* value: descriptor */
#define ZMQ_EVENT_MONITOR_STOPPED 0x0400
#define ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL 0x0800 /* value: errno */
#define ZMQ_EVENT_HANDSHAKE_SUCCEEDED 0x1000
#define ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL 0x2000 /* value: see below */
#define ZMQ_EVENT_HANDSHAKE_FAILED_AUTH 0x4000     /* value: ZAP's status */
#define ZMQ_EVENT_ALL 0xFFFF

/* Values of ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED 0x10000000
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND 0x10000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE 0x10000002
#define ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE 0x10000003
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED 0x10000011
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE 0x10000012
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO 0x10000013
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE 0x10000014
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR 0x10000015
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY 0x10000016
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME 0x10000017
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA 0x10000018
#define ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC 0x11000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH 0x11000002
#define ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED 0x20000000
#define ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY 0x20000001
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID 0x20000002
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION 0x20000003
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE 0x20000004
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA 0x20000005
#define ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED 0x30000000

/* Reports the chosen events on a PAIR bound to `endpoint`, an inproc one. With
 * NULL it stops. */
ZMQ_EXPORT int
zmq_socket_monitor (void *socket, const char *endpoint, int events);

/* ---- Polling ------------------------------------------------------------ */

#define ZMQ_POLLIN 1
#define ZMQ_POLLOUT 2
#define ZMQ_POLLERR 4 /* descriptors only */
#define ZMQ_POLLPRI 8 /* descriptors only */

/* How many items some programs make room for. */
#define ZMQ_POLLITEMS_DFLT 16

typedef int zmq_fd_t;

/* What to wait for: `socket`, or `fd` where that is NULL. */
typedef struct zmq_pollitem_t
{
    void *socket;
    zmq_fd_t fd;
    short events;
    short revents;
} zmq_pollitem_t;

/* Waits up to `timeout` milliseconds, or for ever if it is -1, and returns the
 * number of items with something in `revents`. */
ZMQ_EXPORT int zmq_poll (zmq_pollitem_t *items, int nitems, long timeout);

/* ---- Proxies ------------------------------------------------------------ */

/* Passes messages between two sockets until the context ends, with a copy of
 * each to `capture` unless that is NULL. */
ZMQ_EXPORT int zmq_proxy (void *frontend, void *backend, void *capture);

/* The same, obeying PAUSE, RESUME, STATISTICS and TERMINATE from `control`. */
ZMQ_EXPORT int zmq_proxy_steerable (void *frontend,
                                    void *backend,
                                    void *capture,
                                    void *control);

/* Deprecated: zmq_proxy without a capture socket, whichever type it is. */
#define ZMQ_STREAMER 1
#define ZMQ_FORWARDER 2
#define ZMQ_QUEUE 3

ZMQ_EXPORT int zmq_device (int type, void *frontend, void *backend);

/* ---- What the library can do -------------------------------------------- */

/* zmq_has is there. */
#define ZMQ_HAS_CAPABILITIES 1

/* 1 for a capability that a library may lack and this one has: "ipc", "curve",
 * "draft", and "zincmq", which tells it from others. What every library has,
 * such as tcp or PLAIN, is not known by name. */
ZMQ_EXPORT int zmq_has (const char *capability);

/* ---- Keys --------------------------------------------------------------- */

/* Z85 (RFC 32). `size` is divisible by 4; `dest` has room for 5 characters to 4
 * bytes and the final zero. */
ZMQ_EXPORT char *zmq_z85_encode (char *dest, const uint8_t *data, size_t size);

/* `string` has 5 characters for each 4 bytes of `dest`. */
ZMQ_EXPORT uint8_t *zmq_z85_decode (uint8_t *dest, const char *string);

/* Keys in Z85, 41 characters each with the final zero. */
ZMQ_EXPORT int zmq_curve_keypair (char *z85_public_key, char *z85_secret_key);
ZMQ_EXPORT int zmq_curve_public (char *z85_public_key,
                                 const char *z85_secret_key);

/* ---- Timers ------------------------------------------------------------- */

/* The functions below are there. */
#define ZMQ_HAVE_TIMERS

/* A timer goes off again and again, every `interval` milliseconds, in the
 * thread that calls zmq_timers_execute. */
typedef void (zmq_timer_fn) (int timer_id, void *arg);

ZMQ_EXPORT void *zmq_timers_new (void);
ZMQ_EXPORT int zmq_timers_destroy (void **timers_p);

/* Returns the timer's id. */
ZMQ_EXPORT int zmq_timers_add (void *timers,
                               size_t interval,
                               zmq_timer_fn handler,
                               void *arg);
ZMQ_EXPORT int zmq_timers_cancel (void *timers, int timer_id);
ZMQ_EXPORT int
zmq_timers_set_interval (void *timers, int timer_id, size_t interval);
ZMQ_EXPORT int zmq_timers_reset (void *timers, int timer_id);

/* Milliseconds until the next one, or -1 if there is none. */
ZMQ_EXPORT long zmq_timers_timeout (void *timers);
ZMQ_EXPORT int zmq_timers_execute (void *timers);

/* ---- Small helpers ------------------------------------------------------ */

ZMQ_EXPORT void *zmq_atomic_counter_new (void);
ZMQ_EXPORT void zmq_atomic_counter_set (void *counter, int value);

/* Returns the value before. */
ZMQ_EXPORT int zmq_atomic_counter_inc (void *counter);

/* Returns 1 until the counter is down to zero, then 0. */
ZMQ_EXPORT int zmq_atomic_counter_dec (void *counter);
ZMQ_EXPORT int zmq_atomic_counter_value (void *counter);
ZMQ_EXPORT void zmq_atomic_counter_destroy (void **counter_p);

/* Both return the microseconds since the start; zmq_stopwatch_stop ends it. */
ZMQ_EXPORT void *zmq_stopwatch_start (void);
ZMQ_EXPORT unsigned long zmq_stopwatch_intermediate (void *watch);
ZMQ_EXPORT unsigned long zmq_stopwatch_stop (void *watch);

ZMQ_EXPORT void zmq_sleep (int seconds);

typedef void (zmq_thread_fn) (void *arg);

ZMQ_EXPORT void *zmq_threadstart (zmq_thread_fn *func, void *arg);

/* Waits for the thread to end. */
ZMQ_EXPORT void zmq_threadclose (void *thread);

/* ---- Deprecated sending and receiving ----------------------------------- */

/* zmq_msg_send and zmq_msg_recv, with their arguments the other way round. */
ZMQ_EXPORT int zmq_sendmsg (void *socket, zmq_msg_t *msg, int flags);
ZMQ_EXPORT int zmq_recvmsg (void *socket, zmq_msg_t *msg, int flags);

/* One buffer for each part. zmq_recviov allocates them, with malloc. */
struct iovec;

ZMQ_EXPORT int
zmq_sendiov (void *socket, struct iovec *iov, size_t count, int flags);
ZMQ_EXPORT int
zmq_recviov (void *socket, struct iovec *iov, size_t *count, int flags);

/* ---- Drafts ------------------------------------------------------------- */

#ifdef ZMQ_BUILD_DRAFT_API

/* Socket types. */
#define ZMQ_SERVER 12
#define ZMQ_CLIENT 13
#define ZMQ_RADIO 14
#define ZMQ_DISH 15
#define ZMQ_GATHER 16
#define ZMQ_SCATTER 17
#define ZMQ_DGRAM 18
#define ZMQ_PEER 19
#define ZMQ_CHANNEL 20

/* Socket options. */
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#define ZMQ_LOOPBACK_FASTPATH 94
#define ZMQ_METADATA 95
#define ZMQ_MULTICAST_LOOP 96
#define ZMQ_ROUTER_NOTIFY 97
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
#define ZMQ_SOCKS_USERNAME 99
#define ZMQ_SOCKS_PASSWORD 100
#define ZMQ_IN_BATCH_SIZE 101
#define ZMQ_OUT_BATCH_SIZE 102
#define ZMQ_WSS_KEY_PEM 103
#define ZMQ_WSS_CERT_PEM 104
#define ZMQ_WSS_TRUST_PEM 105
#define ZMQ_WSS_HOSTNAME 106
#define ZMQ_WSS_TRUST_SYSTEM 107
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108
#define ZMQ_RECONNECT_STOP 109
#define ZMQ_HELLO_MSG 110
#define ZMQ_DISCONNECT_MSG 111
#define ZMQ_PRIORITY 112
#define ZMQ_BUSY_POLL 113
#define ZMQ_HICCUP_MSG 114
#define ZMQ_XSUB_VERBOSE_UNSUBSCRIBE 115
#define ZMQ_TOPICS_COUNT 116
#define ZMQ_NORM_MODE 117
#define ZMQ_NORM_UNICAST_NACK 118
#define ZMQ_NORM_BUFFER_SIZE 119
#define ZMQ_NORM_SEGMENT_SIZE 120
#define ZMQ_NORM_BLOCK_SIZE 121
#define ZMQ_NORM_NUM_PARITY 122
#define ZMQ_NORM_NUM_AUTOPARITY 123
#define ZMQ_NORM_PUSH 124

/* Flags of ZMQ_ROUTER_NOTIFY. */
#define ZMQ_NOTIFY_CONNECT 1
#define ZMQ_NOTIFY_DISCONNECT 2

/* Flags of ZMQ_RECONNECT_STOP. */
#define ZMQ_RECONNECT_STOP_CONN_REFUSED 0x1
#define ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED 0x2
#define ZMQ_RECONNECT_STOP_AFTER_DISCONNECT 0x4

/* Values of ZMQ_NORM_MODE. */
#define ZMQ_NORM_FIXED 0
#define ZMQ_NORM_CC 1
#define ZMQ_NORM_CCL 2
#define ZMQ_NORM_CCE 3
#define ZMQ_NORM_CCE_ECNONLY 4

/* Context options of any type. */
#define ZMQ_ZERO_COPY_RECV 10

ZMQ_EXPORT int zmq_ctx_set_ext (void *context,
                                int option,
                                const void *value,
                                size_t len);
ZMQ_EXPORT int
zmq_ctx_get_ext (void *context, int option, void *value, size_t *len);

/* DISH: take part in a group, or no longer. */
ZMQ_EXPORT int zmq_join (void *socket, const char *group);
ZMQ_EXPORT int zmq_leave (void *socket, const char *group);

/* PEER: connects, and returns the peer's routing id, 0 if it fails. */
ZMQ_EXPORT uint32_t zmq_connect_peer (void *socket, const char *endpoint);

/* PEER and SERVER: ends the connection to one peer. libzmq 4.3.5 has not got
 * it, later versions have. */
ZMQ_EXPORT int zmq_disconnect_peer (void *socket, uint32_t routing_id);

/* PEER and SERVER: the peer a message is for, or came from. */
ZMQ_EXPORT int zmq_msg_set_routing_id (zmq_msg_t *msg, uint32_t routing_id);
ZMQ_EXPORT uint32_t zmq_msg_routing_id (zmq_msg_t *msg);

/* RADIO and DISH. */
ZMQ_EXPORT int zmq_msg_set_group (zmq_msg_t *msg, const char *group);
ZMQ_EXPORT const char *zmq_msg_group (zmq_msg_t *msg);

/* A message with a copy of `buf`. */
ZMQ_EXPORT int
zmq_msg_init_buffer (zmq_msg_t *msg, const void *buf, size_t size);

/* Names for zmq_msg_gets. */
#define ZMQ_MSG_PROPERTY_ROUTING_ID "Routing-Id"
#define ZMQ_MSG_PROPERTY_SOCKET_TYPE "Socket-Type"
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id"
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address"

/* ROUTER: the ZMQ_POLLOUT of one peer. */
ZMQ_EXPORT int zmq_socket_get_peer_state (void *socket,
                                          const void *routing_id,
                                          size_t routing_id_size);

/* Pollers: sockets and descriptors are named once, not with every wait. */
#define ZMQ_HAVE_POLLER

typedef struct zmq_poller_event_t
{
    void *socket;
    zmq_fd_t fd;
    void *user_data;
    short events;
} zmq_poller_event_t;

ZMQ_EXPORT void *zmq_poller_new (void);
ZMQ_EXPORT int zmq_poller_destroy (void **poller_p);
ZMQ_EXPORT int zmq_poller_size (void *poller);
ZMQ_EXPORT int
zmq_poller_add (void *poller, void *socket, void *user_data, short events);
ZMQ_EXPORT int zmq_poller_modify (void *poller, void *socket, short events);
ZMQ_EXPORT int zmq_poller_remove (void *poller, void *socket);
ZMQ_EXPORT int
zmq_poller_add_fd (void *poller, zmq_fd_t fd, void *user_data, short events);
ZMQ_EXPORT int zmq_poller_modify_fd (void *poller, zmq_fd_t fd, short events);
ZMQ_EXPORT int zmq_poller_remove_fd (void *poller, zmq_fd_t fd);

/* Both fail with EAGAIN when the time is over; zmq_poller_wait_all returns the
 * number of events. */
ZMQ_EXPORT int
zmq_poller_wait (void *poller, zmq_poller_event_t *event, long timeout);
ZMQ_EXPORT int zmq_poller_wait_all (void *poller,
                                    zmq_poller_event_t *events,
                                    int n_events,
                                    long timeout);

/* A descriptor that is readable when there may be something to wait for. */
ZMQ_EXPORT int zmq_poller_fd (void *poller, zmq_fd_t *fd);

/* zmq_poll with these signals blocked while it waits, as ppoll does it. Strict
 * C needs _POSIX_C_SOURCE defined, for sigset_t. */
ZMQ_EXPORT int zmq_ppoll (zmq_pollitem_t *items,
                          int nitems,
                          long timeout,
                          const sigset_t *sigmask);

/* The second version of events. Each is a message of parts: the event, the
 * number of values, the values, all of 64 bits, and both ends' endpoints. */
#define ZMQ_CURRENT_EVENT_VERSION 1
#define ZMQ_CURRENT_EVENT_VERSION_DRAFT 2
#define ZMQ_EVENT_PIPES_STATS 0x10000 /* values: messages queued out and in */
#define ZMQ_EVENT_ALL_V1 ZMQ_EVENT_ALL
#define ZMQ_EVENT_ALL_V2 (ZMQ_EVENT_ALL_V1 | ZMQ_EVENT_PIPES_STATS)

/* `type` is ZMQ_PAIR, ZMQ_PUB or ZMQ_PUSH. */
ZMQ_EXPORT int zmq_socket_monitor_versioned (void *socket,
                                             const char *endpoint,
                                             uint64_t events,
                                             int event_version,
                                             int type);

/* Asks for a ZMQ_EVENT_PIPES_STATS of each pipe. */
ZMQ_EXPORT int zmq_socket_monitor_pipes_stats (void *socket);

#endif /* ZMQ_BUILD_DRAFT_API */

#undef ZMQ_EXPORT

#ifdef __cplusplus
}
#endif

#endif
