"""Request and reply: a client waits for each answer of a server."""

import threading

import zincmq as zmq


def serve(socket):
    for _ in range(3):
        message = socket.recv()
        print(f"Received request: {message}")
        socket.send(b"World")


with zmq.Context() as ctx, ctx.socket(zmq.REP) as server, ctx.socket(zmq.REQ) as client:
    server.bind("tcp://127.0.0.1:*")
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()

    client.connect(server.last_endpoint.decode())
    for request in range(3):
        client.send(b"Hello")
        print(f"Received reply {request}: {client.recv()}")
    thread.join()
