"""``zmq.asyncio`` on ZincMQ: sockets whose sends and receives are awaited."""

import zincmq  # noqa: F401 - chooses the backend first
from zmq.asyncio import Context, Poller, Socket, ZMQEventLoop, install

__all__ = ["Context", "Poller", "Socket", "ZMQEventLoop", "install"]
