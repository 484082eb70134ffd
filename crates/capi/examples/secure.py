"""A server that knows its clients by their keys, one that it lets in and one
that it does not.

    python3 secure.py KEYS

where KEYS is a folder with the certificate files that docs/security/python.md
has `zinc keygen` make.
"""

import sys
import threading
from pathlib import Path

import zmq
from zmq.auth import load_certificate
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

keys = Path(sys.argv[1] if len(sys.argv) > 1 else "keys")


def serve(server, names):
    """Answers each request with the name of the client that it came from."""
    with server:
        while True:
            try:
                request = server.recv(copy=False)
            except zmq.ContextTerminated:
                return
            # pyzmq's authenticator has the public key for the user id.
            name = names[request.get("User-Id").encode()]
            server.send_string(f"{request.bytes.decode()}, {name}")


def call(endpoint, file, name):
    """Asks the server, with the key of whoever is called `name`."""
    with zmq.Context() as context, context.socket(zmq.REQ) as client:
        client.linger = 0
        client.curve_publickey, client.curve_secretkey = load_certificate(keys / file)
        client.curve_serverkey, _ = load_certificate(keys / "server.key")
        with client.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        ) as events:
            client.connect(endpoint)
            event = recv_monitor_message(events)
            if event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                client.send_string("hello")
                print(f"{name}: {client.recv_string()}")
            else:
                # It would be in vain to try again, and is not tried.
                print(f"{name}: refused with {event['value']}")
            client.disable_monitor()


context = zmq.Context()
# It has to be there before the server binds: without it everybody is let in.
authenticator = ThreadAuthenticator(context)
authenticator.start()
authenticator.configure_curve(domain="*", location=str(keys / "clients"))
certificates = (keys / "clients").glob("*.key")
names = {load_certificate(path)[0]: path.stem for path in certificates}

server = context.socket(zmq.REP)
server.linger = 0
server.curve_publickey, server.curve_secretkey = load_certificate(
    keys / "server.key_secret"
)
server.curve_server = True
server.bind("tcp://127.0.0.1:*")
endpoint = server.last_endpoint.decode().rstrip("\0")
thread = threading.Thread(target=serve, args=[server, names])
thread.start()

call(endpoint, "clients/anna.key_secret", "anna")
call(endpoint, "eve.key_secret", "eve")

authenticator.stop()
# The server's receive ends with the context.
context.term()
thread.join()
