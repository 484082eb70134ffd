"""What pyzmq asks of a backend, on ZincMQ.

``PYZMQ_BACKEND=zincmq.backend`` has ``import zmq`` use it.
"""

from zincmq._native import (
    IPC_PATH_MAX_LEN,
    PYZMQ_DRAFT_API,
    Context,
    Frame,
    Socket,
    curve_keypair,
    curve_public,
    has,
    monitored_queue,
    proxy,
    proxy_steerable,
    strerror,
    zmq_errno,
    zmq_poll,
    zmq_version_info,
)

Message = Frame


def device(device_type: int, frontend: Socket, backend: Socket) -> int:
    """As proxy, by its name of old; device_type means nothing. For pyzmq 26."""
    return proxy(frontend, backend)


__all__ = [
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
    "Context",
    "Frame",
    "Message",
    "Socket",
    "curve_keypair",
    "curve_public",
    "device",
    "has",
    "monitored_queue",
    "proxy",
    "proxy_steerable",
    "strerror",
    "zmq_errno",
    "zmq_poll",
    "zmq_version_info",
]
