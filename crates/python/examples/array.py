"""Sends a NumPy array without a copy, and receives it without one."""

import numpy

import zincmq as zmq

with zmq.Context() as ctx, ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
    pull.bind("ipc://*")
    push.connect(pull.last_endpoint.decode())

    array = numpy.arange(2_000_000, dtype="f8").reshape(1000, 2000)
    header = {"dtype": str(array.dtype), "shape": array.shape}
    push.send_json(header, zmq.SNDMORE)
    tracker = push.send(array, copy=False, track=True)

    header = pull.recv_json()
    frame = pull.recv(copy=False)
    received = numpy.frombuffer(frame, header["dtype"]).reshape(header["shape"])
    # From here on the array may change again.
    tracker.wait()
    print(received.shape, (received == array).all())
