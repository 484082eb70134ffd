"""How often a payload is copied, and when its memory is free again."""

import gc
import sys
import threading
import weakref

import numpy
import pytest

import zincmq as zmq
from zincmq._native import payload_copies

MANY = 16 * 1024 * 1024


class Copies:
    """Counts the copies of long payloads, into messages and out of them."""

    def __enter__(self):
        self.before = payload_copies()
        return self

    def __exit__(self, *_):
        (self.into, _), (self.out, _) = (
            tuple(now - then for now, then in zip(*both))
            for both in zip(payload_copies(), self.before)
        )


def address(memory):
    if not isinstance(memory, numpy.ndarray):
        memory = numpy.frombuffer(memory, dtype="u1")
    return memory.ctypes.data


def kinds():
    array = numpy.arange(MANY // 8, dtype="f8")
    data = array.tobytes()
    return {
        "array": array,
        "table": array.reshape(1024, -1),
        "columns": numpy.asfortranarray(array.reshape(1024, -1)),
        "bytes": data,
        "bytearray": bytearray(data),
        "memoryview": memoryview(data),
    }


@pytest.mark.parametrize("transport", ["tcp", "inproc"])
@pytest.mark.parametrize("kind", kinds())
def test_a_large_payload_is_not_copied(pair, kind, transport):
    one, two = pair(transport=transport)
    data = kinds()[kind]
    whole = memoryview(data).tobytes(order="A")
    with Copies() as copies:
        one.send(data, copy=False)
        frame = two.recv(copy=False)
    assert (copies.into, copies.out) == (0, 0)
    assert len(frame) == MANY
    assert memoryview(frame) == whole
    if transport == "inproc":
        # The very same memory.
        assert address(frame) == address(data)


def test_what_is_asked_for_is_copied_once(pair):
    one, two = pair()
    with Copies() as copies:
        one.send(bytes(MANY), copy=True)
        two.recv(copy=True)
    assert (copies.into, copies.out) == (1, 1)
    with Copies() as copies:
        one.send(numpy.zeros(MANY, "u1"), copy=False)
        two.recv_into(bytearray(MANY))
    assert (copies.into, copies.out) == (0, 1)


def test_received_memory_is_writable_and_ones_own(pair):
    one, two = pair()
    for size in (1, 39, 40, 100, MANY):
        one.send(bytes(size))
        frame = two.recv(copy=False)
        array = numpy.frombuffer(frame, "u1")
        array[:] = 7
        assert frame.bytes == b"\7" * size
        two.send(frame)
        assert one.recv() == b"\7" * size


def test_bytes_do_not_change_through_a_frame(pair):
    one, two = pair(transport="inproc")
    data = b"constant" * 10_000
    one.send(data, copy=False)
    frame = two.recv(copy=False)
    assert memoryview(frame).readonly
    assert memoryview(zmq.Frame(data, copy=False)).readonly
    assert frame.bytes == data


def test_memory_is_held_until_it_was_sent(ctx):
    push = ctx.socket(zmq.PUSH)
    push.linger = 0
    push.connect("tcp://127.0.0.1:1")
    data = bytearray(MANY)
    tracker = push.send(data, copy=False, track=True)
    with pytest.raises(BufferError):
        data.append(0)
    assert not tracker.done
    with pytest.raises(zmq.NotDone):
        tracker.wait(0.01)
    push.close()
    tracker.wait(60)
    data.append(0)


def test_memory_comes_back_while_nobody_calls(pair):
    """The reactor sends the last of it, when no call is under way."""
    one, two = pair()
    freed = threading.Event()
    array = numpy.zeros(MANY, "u1")
    weakref.finalize(array, freed.set)
    tracker = one.send(array, copy=False, track=True)
    del array
    assert len(two.recv()) == MANY
    assert freed.wait(60)
    tracker.wait(60)
    assert tracker.done


def test_frames_share_a_tracker(pair):
    one, two = pair()
    frame = zmq.Frame(bytes(MANY), copy=False, track=True)
    for _ in range(3):
        assert one.send(frame) is frame.tracker
        two.recv()
    tracker = frame.tracker
    assert not tracker.done
    del frame
    tracker.wait(60)


def test_nothing_leaks(pair):
    one, two = pair()
    data = b"x" * 100_000
    before = sys.getrefcount(data)
    trackers = [one.send(data, copy=False, track=True) for _ in range(50)]
    frames = [two.recv(copy=False) for _ in range(50)]
    for tracker in trackers:
        tracker.wait(60)
    assert all(len(frame) == len(data) for frame in frames)
    from zmq.utils.garbage import gc as ledger

    assert not ledger.refs
    gc.collect()
    assert sys.getrefcount(data) == before


def test_memory_that_cannot_be_sent(pair):
    one, _ = pair()
    for copy in (True, False):
        with pytest.raises(TypeError):
            one.send("text", copy=copy)
        with pytest.raises(TypeError):
            one.send(5, copy=copy)
        with pytest.raises(BufferError):
            one.send(memoryview(bytes(200_000))[::2], copy=copy)
        # What NumPy says about it, with pyzmq as well.
        with pytest.raises(ValueError, match="contiguous"):
            one.send(numpy.zeros((500, 500))[:, ::2], copy=copy)


def test_empty_payloads(pair):
    one, two = pair()
    for data in (b"", bytearray(), memoryview(b""), numpy.zeros((0, 3))):
        one.copy_threshold = 0
        one.send(data, copy=False)
        frame = two.recv(copy=False)
        assert len(frame) == 0
        assert memoryview(frame).nbytes == 0
    assert memoryview(zmq.Frame()).nbytes == 0


@pytest.mark.parametrize(
    "array",
    [
        numpy.array(5.0),
        numpy.int64(3),
        numpy.zeros(3, "datetime64[s]"),
        numpy.zeros(2, [("a", "i4"), ("b", "f8")]),
        numpy.zeros(3, "U3"),
        numpy.zeros((2, 3, 4), order="F"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("copy", [True, False])
def test_arrays_of_all_shapes_and_types(pair, array, copy):
    one, two = pair()
    one.copy_threshold = 0
    one.send(array, copy=copy)
    assert two.recv() == array.tobytes(order="A")
    assert zmq.Frame(array, copy=copy).bytes == array.tobytes(order="A")
    if isinstance(array, numpy.ndarray) and array.dtype.kind != "M":
        one.send(b"\1" * array.nbytes)
        assert two.recv_into(array) == array.nbytes
        assert array.tobytes() == b"\1" * array.nbytes


@pytest.mark.parametrize("dtype", ["O", [("number", "i4"), ("object", "O")]])
def test_objects_are_not_overwritten(pair, dtype):
    """It would end the interpreter."""
    one, two = pair()
    one.send(bytes(100))
    array = numpy.empty(5, dtype)
    with pytest.raises(BufferError, match="objects"):
        two.recv_into(array)
    # Other fields may have any name.
    named = numpy.ones(5, [("O", "i4"), ("xOx", "f8")])
    assert two.recv_into(named) == 100
    assert named.tobytes() == bytes(60)


def test_a_received_frame_has_a_tracker_that_is_done(pair):
    one, two = pair()
    one.send_multipart([b"first", b"second"])
    frames = two.recv_multipart(copy=False, track=True)
    assert [frame.bytes for frame in frames] == [b"first", b"second"]
    assert all(frame.tracker.done for frame in frames)


def test_what_was_sent_from_a_constant_is_not_written_to(pair):
    one, two = pair(transport="inproc")
    constant = b"x" * 100_000
    one.send(constant, copy=False)
    received = two.recv(copy=False)
    assert received.buffer.readonly
    # It is the same memory.
    assert received.bytes == constant
    with pytest.raises(TypeError):
        received.buffer[0] = 1
    del received
    assert constant == b"x" * 100_000
    one.send(constant, copy=True)
    copied = two.recv(copy=False)
    copied.buffer[0] = ord("y")
    assert copied.bytes[:2] == b"yx" and constant[0] == ord("x")


def test_what_is_received_into_the_memory_it_was_sent_from(pair):
    one, two = pair(transport="inproc")
    memory = bytearray(range(256)) * 400
    before = bytes(memory)
    one.send(memory, copy=False)
    # Both overlap, and not as a whole.
    assert two.recv_into(memoryview(memory)[1:], nbytes=len(memory) - 1) == len(before)
    assert memory[0] == before[0]
    assert memory[1:] == before[:-1]
