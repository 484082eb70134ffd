"""Processes that fork."""

import multiprocessing
import os

import pytest

import zincmq as zmq

pytestmark = pytest.mark.filterwarnings("ignore:This process.*is multi-threaded")


def in_child(work):
    """Runs `work` in a forked process, and returns its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def exchange(transport="tcp"):
    ctx = zmq.Context()
    one, two = ctx.socket(zmq.PAIR), ctx.socket(zmq.PAIR)
    one.bind("tcp://127.0.0.1:*")
    two.connect(one.last_endpoint.decode())
    for socket in (one, two):
        socket.rcvtimeo = 60_000
    one.send(b"x" * 1_000_000, copy=False, track=True).wait(60)
    assert len(two.recv()) == 1_000_000
    ctx.destroy()


def test_a_new_context_works_in_the_child(pair):
    one, two = pair()
    # There is a thread for zero-copy sends.
    tracker = one.send(bytes(1_000_000), copy=False, track=True)
    assert len(two.recv()) == 1_000_000
    tracker.wait(60)
    assert in_child(exchange) == 0


def test_what_is_inherited_answers_with_an_error(pair, ctx):
    one, _ = pair()

    def use():
        for call in (lambda: one.send(b""), one.recv, lambda: one.poll(10)):
            with pytest.raises(zmq.ZMQError):
                call()
        one.close()
        assert one.closed
        ctx.destroy()
        exchange()

    assert in_child(use) == 0


def test_what_is_inherited_can_be_destroyed_with_a_linger_time(pair, ctx):
    one, two = pair()

    def use():
        one.linger = 0
        ctx.destroy(linger=0)
        assert ctx.closed and one.closed and two.closed
        exchange()

    assert in_child(use) == 0
    one.send(b"still here")
    assert two.recv() == b"still here"


def test_the_parent_loses_nothing(pair):
    one, two = pair(zmq.PUSH, zmq.PULL)
    for n in range(100):
        one.send(b"%d" % n)
        if n % 25 == 0:
            assert in_child(lambda: (one.close(), two.close(), zmq.Context.instance())) == 0
    assert [int(two.recv()) for _ in range(100)] == list(range(100))


def test_the_global_context_is_new_in_the_child():
    mine = zmq.Context.instance()

    def use():
        assert zmq.Context.instance() is not mine
        socket = zmq.Context.instance().socket(zmq.PUSH)
        socket.bind("tcp://127.0.0.1:*")
        socket.close()

    assert in_child(use) == 0


def work(queue):
    exchange()
    queue.put("done")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method, pair):
    one, two = pair()
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,))
    process.start()
    assert queue.get(timeout=60) == "done"
    process.join()
    assert process.exitcode == 0
    one.send(b"still here")
    assert two.recv() == b"still here"
