"""Publish and subscribe, with asyncio: a publisher sends without waiting for anybody."""

import asyncio

import zincmq as zmq
import zincmq.asyncio


async def publish(socket):
    # Until there is a subscriber, which this socket type is told of.
    await socket.recv()
    for number in range(3):
        await socket.send_string(f"Update {number}")
        print(f"Published: Update {number}")
        await asyncio.sleep(0.1)


async def subscribe(socket):
    for _ in range(3):
        print(f"Received: {await socket.recv_string()}")


async def main():
    with zincmq.asyncio.Context() as ctx, ctx.socket(zmq.XPUB) as pub, ctx.socket(zmq.SUB) as sub:
        pub.bind("tcp://127.0.0.1:*")
        sub.connect(pub.last_endpoint.decode())
        sub.subscribe("Update")
        await asyncio.gather(publish(pub), subscribe(sub))


asyncio.run(main())
