"""Sockets whose sends, receives and polls are awaited: the API of ``zmq.asyncio``.

``Context`` makes sockets whose ``send``, ``recv`` and their like return a
``Future``. What can be done at once is done by the call, and to await it costs no
turn of the event loop; else the loop is woken once for all sockets for which
something changed. A task that only ever does what can be done at once lets the
loop have a turn every few hundred messages.

A receive that is cancelled has taken nothing, also if the message came in just
before: the next receive has it. A send that is cancelled has handed over the whole
message or, if the future says that it is cancelled, nothing. RCVTIMEO and SNDTIMEO
hold, in milliseconds, and end in ``zmq.Again``. Closing a socket cancels what waits
at it.

A socket may be used in several event loops, also in several threads; each future
belongs to the loop it was made in. A ``Future`` can be given to ``asyncio.wait_for``,
``gather``, ``wait``, ``shield`` and ``ensure_future``. To ``asyncio.isfuture`` it is
one; it is no instance of ``asyncio.Future``.
"""

from __future__ import annotations

import asyncio as _asyncio
import warnings as _warnings
import weakref as _weakref
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import zincmq  # noqa: F401 - chooses the backend first
import zmq as _zmq
from zincmq._native import AsyncSocket, Future, Hub
from zmq.asyncio import ZMQEventLoop, install

__all__ = ["Context", "Future", "Poller", "Socket", "ZMQEventLoop", "install"]

_T = TypeVar("_T")

# The hub of each event loop. The loop holds it.
_hubs: _weakref.WeakKeyDictionary[Any, Any] = _weakref.WeakKeyDictionary()


def _current_loop() -> _asyncio.AbstractEventLoop:
    try:
        return _asyncio.get_running_loop()
    except RuntimeError:
        _warnings.warn(
            "No running event loop. zincmq.asyncio should be used from within an asyncio loop.",
            RuntimeWarning,
            stacklevel=3,
        )
    return _asyncio.get_event_loop()


def _hub() -> Hub:
    """What tells the current loop of all its sockets."""
    loop = _current_loop()
    known = _hubs.get(loop)
    hub = known() if known is not None else None
    if hub is None or not hub.alive:
        hub = Hub(loop)
        loop.add_reader(hub.fileno(), hub.dispatch)
        _hubs[loop] = _weakref.ref(hub)
    return hub


class Socket(AsyncSocket, _zmq.Socket[Future[Any]]):  # type: ignore[misc]
    """A socket whose sends, receives and polls return a ``Future``.

    It is made by ``Context.socket``, or of another socket, which it then shares:
    ``Socket(other)``.
    """

    def __init__(
        self,
        context: Any = None,
        socket_type: int = -1,
        io_loop: Any = None,
        _from_socket: _zmq.Socket[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(context, _zmq.Socket):
            context, _from_socket = None, context
        if _from_socket is not None:
            super().__init__(_from_socket)  # type: ignore[arg-type]
        else:
            super().__init__(context, socket_type, **kwargs)
        if io_loop is not None:
            _warnings.warn(
                f"{type(self).__name__}(io_loop) is deprecated: the running loop is used",
                DeprecationWarning,
                stacklevel=2,
            )

    @classmethod
    def from_socket(cls, socket: _zmq.Socket[Any], io_loop: Any = None) -> Socket:
        """An asynchronous socket that is the same as another one."""
        return cls(socket, io_loop=io_loop)

    if TYPE_CHECKING:
        # pyzmq's own, of what the calls above return.
        def recv_json(self, flags: int = 0, **kwargs: Any) -> Future[Any]: ...  # type: ignore[override]
        def recv_pyobj(self, flags: int = 0) -> Future[Any]: ...
        def recv_serialized(  # type: ignore[override]
            self, deserialize: Callable[[Any], _T], flags: int = 0, copy: bool = True
        ) -> Future[_T]: ...
        def recv_string(  # type: ignore[override]
            self, flags: int = 0, encoding: str = "utf-8"
        ) -> Future[str]: ...
        def send_json(  # type: ignore[override]
            self, obj: Any, flags: int = 0, **kwargs: Any
        ) -> Future[_zmq.MessageTracker | None]: ...
        def send_pyobj(  # type: ignore[override]
            self, obj: Any, flags: int = 0, protocol: int = ..., **kwargs: Any
        ) -> Future[_zmq.MessageTracker | None]: ...
        def send_serialized(  # type: ignore[override]
            self,
            msg: Any,
            serialize: Callable[[Any], Any],
            flags: int = 0,
            copy: bool = True,
            **kwargs: Any,
        ) -> Future[_zmq.MessageTracker | None]: ...
        def send_string(  # type: ignore[override]
            self,
            u: str,
            flags: int = 0,
            copy: bool = True,
            encoding: str = "utf-8",
            **kwargs: Any,
        ) -> Future[_zmq.MessageTracker | None]: ...

    def close(self, linger: int | None = None) -> None:
        """Closes the socket, and cancels what waits at it."""
        if not self.closed:
            self._cancel_all()
        super().close(linger=linger)


class Poller(_zmq.Poller):
    """Waits for several sockets and descriptors at once."""

    def poll(self, timeout: float | None = None) -> _asyncio.Future[list[tuple[Any, int]]]:  # type: ignore[override]
        """The sockets and descriptors that are ready, each with its events.

        Waits for at most ``timeout`` milliseconds, None or less than 0 for ever.
        """
        loop = _current_loop()
        result: _asyncio.Future[list[tuple[Any, int]]] = loop.create_future()

        def look() -> list[tuple[Any, int]]:
            return _zmq.Poller.poll(self, 0)

        try:
            ready = look()
        except Exception as error:
            result.set_exception(error)
            return result
        if ready or timeout == 0:
            result.set_result(ready)
            return result

        waits: list[Any] = []
        descriptors: list[Any] = []
        shadows: list[Socket] = []
        timer: Any = None

        def finish(*_: Any) -> None:
            if result.done():
                return
            for wait in waits:
                if wait.cancelled():
                    result.cancel()
                    return
            try:
                result.set_result(look())
            except Exception as error:
                result.set_exception(error)

        def leave(_: Any) -> None:
            if timer is not None:
                timer.cancel()
            for wait in waits:
                wait.cancel()
            for descriptor, remove in descriptors:
                if not loop.is_closed():
                    remove(descriptor)
            shadows.clear()

        for target, events in self.sockets:
            if isinstance(target, _zmq.Socket):
                if not isinstance(target, Socket):
                    target = Socket(target)
                    shadows.append(target)
                waits.append(target.poll(None, events))
                continue
            if events & _zmq.POLLIN:
                loop.add_reader(target, finish)
                descriptors.append((target, loop.remove_reader))
            if events & _zmq.POLLOUT:
                loop.add_writer(target, finish)
                descriptors.append((target, loop.remove_writer))
        result.add_done_callback(leave)
        if timeout is not None and timeout > 0:
            timer = loop.call_later(timeout / 1000, finish)
        for wait in waits:
            wait.add_done_callback(finish)
        return result


class Context(_zmq.Context[Socket]):
    """A context whose sockets are awaited."""

    _socket_class = Socket

    # Apart from that of zmq.Context.
    _instance = None


Socket._poller_class = Poller
