"""A server and its client in Python, with pyzmq on this library.

With the library installed in PREFIX, pyzmq is built on it by

    ZMQ_PREFIX=PREFIX pip install --no-binary pyzmq pyzmq
"""

import threading

import zmq


def serve(server):
    """Answers until it is told to stop."""
    question = ""
    while question != "goodbye":
        question = server.recv_string()
        server.send_string(f"{question}, world")


with zmq.Context() as context:
    with context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
        server.bind("tcp://127.0.0.1:*")
        thread = threading.Thread(target=serve, args=[server])
        thread.start()
        client.connect(server.last_endpoint.decode())
        for question in ["hello", "how are you", "goodbye"]:
            client.send_string(question)
            print(client.recv_string())
        thread.join()
        try:
            client.connect("carrier-pigeon://home")
        except zmq.ZMQError as error:
            assert error.errno == zmq.EPROTONOSUPPORT, error
        else:
            raise AssertionError("no such transport")
