/* A server that knows its clients by their keys, one that it lets in and one that it does not.
 *
 *     cc secure.c $(pkg-config --cflags --libs libzmq) -o secure && ./secure KEYS
 *
 * where KEYS is a folder with the certificate files that docs/security/c.md has `zinc keygen`
 * make. */

#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* In Z85, with the zero byte at its end. */
#define KEY_SIZE 41
#define MOST_CLIENTS 100

struct client
{
    char key[KEY_SIZE];
    char name[64];
};

/* Who may come in. */
struct list
{
    struct client clients[MOST_CLIENTS];
    size_t count;
    void *socket;
};

static void fail (const char *what, const char *why)
{
    fprintf (stderr, "%s: %s\n", what, why);
    exit (EXIT_FAILURE);
}

static int need (int result, const char *what)
{
    if (result == -1)
        fail (what, zmq_strerror (zmq_errno ()));
    return result;
}

static void *must (void *made, const char *what)
{
    if (made == NULL)
        fail (what, zmq_strerror (zmq_errno ()));
    return made;
}

/* Reads the key called `name` from the certificate FOLDER/FILE. */
static void load_key (char key[KEY_SIZE], const char *name, const char *folder, const char *file)
{
    char path[4096];
    char line[512];
    char found[16];
    FILE *stream;

    if ((size_t) snprintf (path, sizeof path, "%s/%s", folder, file) >= sizeof path)
        fail (file, "the path is too long");
    stream = fopen (path, "r");
    if (stream == NULL)
        fail (path, "cannot be opened");
    while (fgets (line, sizeof line, stream) != NULL) {
        if (sscanf (line, " %15[a-z-] = \"%40[^\"]\"", found, key) == 2
            && strcmp (found, name) == 0 && strlen (key) == KEY_SIZE - 1) {
            fclose (stream);
            return;
        }
    }
    fail (path, "no such key in it");
}

/* Reads the public keys of all who have a file NAME.key in the folder. */
static void load_clients (struct list *list, const char *folder)
{
    DIR *directory = opendir (folder);
    struct dirent *entry;

    if (directory == NULL)
        fail (folder, "cannot be opened");
    while ((entry = readdir (directory)) != NULL) {
        struct client *client = &list->clients[list->count];
        const char *end = strrchr (entry->d_name, '.');
        if (end == NULL || strcmp (end, ".key") != 0)
            continue;
        if (list->count++ == MOST_CLIENTS)
            fail (folder, "too many clients");
        load_key (client->key, "public-key", folder, entry->d_name);
        snprintf (client->name, sizeof client->name, "%.*s", (int) (end - entry->d_name),
                  entry->d_name);
    }
    closedir (directory);
}

/* Receives one part and says whether there are more; -1 if the context ends. */
static int receive (void *socket, char *part, size_t size, size_t *length)
{
    int more;
    size_t more_size = sizeof more;
    int result = zmq_recv (socket, part, size, 0);

    if (result == -1)
        return -1;
    *length = (size_t) result < size ? (size_t) result : size;
    need (zmq_getsockopt (socket, ZMQ_RCVMORE, &more, &more_size), "more");
    return more;
}

/* Decides who may come in: the handler of ZAP (RFC 27). A request is the version, an id, the
 * domain, the address, the routing id, the mechanism, and with CURVE the public key. */
static void judge (void *argument)
{
    struct list *list = argument;

    while (1) {
        char parts[7][256];
        size_t lengths[7];
        char key[KEY_SIZE] = "";
        const char *name = "";
        size_t count = 0;
        size_t i;
        int more = 1;

        while (more == 1 && count < 7) {
            more = receive (list->socket, parts[count], sizeof parts[count], &lengths[count]);
            count++;
        }
        if (more == -1)
            break;
        if (more == 1)
            fail ("zap", "not a question about CURVE");
        if (count == 7 && lengths[5] == 5 && memcmp (parts[5], "CURVE", 5) == 0
            && lengths[6] == 32)
            zmq_z85_encode (key, (unsigned char *) parts[6], 32);
        for (i = 0; i < list->count; i++)
            if (strcmp (list->clients[i].key, key) == 0)
                name = list->clients[i].name;

        /* Version, id, status, text, user id, metadata. */
        need (zmq_send (list->socket, "1.0", 3, ZMQ_SNDMORE), "verdict");
        need (zmq_send (list->socket, parts[1], lengths[1], ZMQ_SNDMORE), "verdict");
        need (zmq_send (list->socket, *name ? "200" : "400", 3, ZMQ_SNDMORE), "verdict");
        need (zmq_send (list->socket, *name ? "OK" : "no", 2, ZMQ_SNDMORE), "verdict");
        need (zmq_send (list->socket, name, strlen (name), ZMQ_SNDMORE), "verdict");
        need (zmq_send (list->socket, "", 0, 0), "verdict");
    }
    zmq_close (list->socket);
}

/* Answers each request with the name of the client that it came from. */
static void serve (void *server)
{
    zmq_msg_t request;
    char answer[512];

    zmq_msg_init (&request);
    while (zmq_msg_recv (&request, server, 0) != -1) {
        const char *name = must ((void *) zmq_msg_gets (&request, "User-Id"), "user");
        snprintf (answer, sizeof answer, "%.*s, %s", (int) zmq_msg_size (&request),
                  (char *) zmq_msg_data (&request), name);
        need (zmq_send (server, answer, strlen (answer), 0), "answer");
    }
    zmq_msg_close (&request);
    zmq_close (server);
}

/* Asks the server, with the key of whoever is called `name`. */
static void call (const char *keys, const char *file, const char *name, const char *endpoint)
{
    char public_key[KEY_SIZE], secret_key[KEY_SIZE], server_key[KEY_SIZE];
    unsigned char event[6];
    char answer[512];
    unsigned short number;
    unsigned int value;
    size_t length;
    int linger = 0;
    void *context = must (zmq_ctx_new (), "context");
    void *client = must (zmq_socket (context, ZMQ_REQ), "client");
    void *events = must (zmq_socket (context, ZMQ_PAIR), "events");

    load_key (public_key, "public-key", keys, file);
    load_key (secret_key, "secret-key", keys, file);
    load_key (server_key, "public-key", keys, "server.key");
    need (zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, public_key, KEY_SIZE), "public key");
    need (zmq_setsockopt (client, ZMQ_CURVE_SECRETKEY, secret_key, KEY_SIZE), "secret key");
    need (zmq_setsockopt (client, ZMQ_CURVE_SERVERKEY, server_key, KEY_SIZE), "server's key");
    need (zmq_setsockopt (client, ZMQ_LINGER, &linger, sizeof linger), "linger");
    need (zmq_socket_monitor (client, "inproc://events",
                              ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH),
          "monitor");
    need (zmq_connect (events, "inproc://events"), "events");
    need (zmq_connect (client, endpoint), "connect");

    /* 16 bits say what happened, 32 bits with what number; the second part is the endpoint. */
    need (receive (events, (char *) event, sizeof event, &length), "event");
    need (receive (events, answer, sizeof answer, &length), "event");
    memcpy (&number, event, sizeof number);
    memcpy (&value, event + sizeof number, sizeof value);
    if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        need (zmq_send (client, "hello", 5, 0), "ask");
        need (receive (client, answer, sizeof answer, &length), "receive");
        printf ("%s: %.*s\n", name, (int) length, answer);
    } else {
        /* It would be in vain to try again, and is not tried. */
        printf ("%s: refused with %u\n", name, value);
    }
    zmq_close (events);
    zmq_close (client);
    need (zmq_ctx_term (context), "end");
}

int main (int count, char **arguments)
{
    const char *keys = count > 1 ? arguments[1] : "keys";
    char folder[4096], endpoint[64], secret_key[KEY_SIZE];
    size_t size = sizeof endpoint;
    int yes = 1;
    struct list *list = must (calloc (1, sizeof *list), "list");
    void *context = must (zmq_ctx_new (), "context");
    void *server = must (zmq_socket (context, ZMQ_REP), "server");
    void *judging, *serving;

    /* The handler has to be there before the server binds: without it everybody is let in. */
    snprintf (folder, sizeof folder, "%s/clients", keys);
    load_clients (list, folder);
    list->socket = must (zmq_socket (context, ZMQ_REP), "zap");
    need (zmq_bind (list->socket, "inproc://zeromq.zap.01"), "zap");
    judging = must (zmq_threadstart (judge, list), "thread");

    load_key (secret_key, "secret-key", keys, "server.key_secret");
    need (zmq_setsockopt (server, ZMQ_CURVE_SERVER, &yes, sizeof yes), "server");
    need (zmq_setsockopt (server, ZMQ_CURVE_SECRETKEY, secret_key, KEY_SIZE), "secret key");
    need (zmq_bind (server, "tcp://127.0.0.1:*"), "bind");
    need (zmq_getsockopt (server, ZMQ_LAST_ENDPOINT, endpoint, &size), "port");
    serving = must (zmq_threadstart (serve, server), "thread");

    call (keys, "clients/anna.key_secret", "anna", endpoint);
    call (keys, "eve.key_secret", "eve", endpoint);

    /* What the threads wait for ends with the context. */
    need (zmq_ctx_shutdown (context), "shutdown");
    zmq_threadclose (serving);
    zmq_threadclose (judging);
    free (list);
    need (zmq_ctx_term (context), "end");
    return EXIT_SUCCESS;
}
