"""ZeroMQ for Python: pyzmq's API on ZincMQ, a ZeroMQ in Rust.

``import zincmq as zmq`` in new code; ``python -m zincmq app.py`` runs a program
that says ``import zmq`` without a change to it. pyzmq's modules keep their names,
``zmq.auth`` for one; ``zincmq.asyncio`` is this package's own.
"""

import importlib.util
import os
import sys

from zincmq._native import __version__

_BACKEND = "zincmq.backend"

# An option of contexts that libzmq has not: how long a thread that waits for a new
# socket looks again before it sleeps, microseconds; 0 is not at all.
SPIN = 7001


def _pyzmq():
    """pyzmq's package ``zmq``, on this backend."""
    zmq = sys.modules.get("zmq")
    if zmq is None:
        before = os.environ.get("PYZMQ_BACKEND")
        os.environ["PYZMQ_BACKEND"] = _BACKEND
        try:
            import zmq
        finally:
            # Programs that this one starts choose for themselves.
            if before is None:
                del os.environ["PYZMQ_BACKEND"]
            else:
                os.environ["PYZMQ_BACKEND"] = before
    _check(zmq)
    return zmq


def _check(zmq):
    chosen = sys.modules.get("zmq.backend")
    socket = getattr(chosen, "Socket", None)
    if socket is None:
        # pyzmq is being imported, and this package by it.
        return
    if socket.__module__ != "zincmq._native":
        raise ImportError(
            f"zmq was imported before zincmq and is on another backend, {socket.__module__}: "
            "import zincmq first, or set PYZMQ_BACKEND=zincmq.backend, "
            "or run the program as python -m zincmq"
        )


def __getattr__(name):
    """Everything that ``zmq`` has."""
    zmq = _pyzmq()
    if name == "__all__":
        return zmq.__all__
    try:
        return getattr(zmq, name)
    except AttributeError:
        raise AttributeError(f"module 'zincmq' has no attribute {name!r}{_hint(name)}") from None


def _hint(name):
    """What to import, where a module is meant that nobody has imported."""
    if name.startswith("_"):
        return ""
    for package in (__name__, "zmq"):
        if importlib.util.find_spec(f"{package}.{name}") is not None:
            return f": import {package}.{name}"
    return ""


def __dir__():
    return sorted({*globals(), *dir(_pyzmq())})


_pyzmq()
