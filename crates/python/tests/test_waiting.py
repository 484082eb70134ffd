"""Waiting: other threads run, signals end it, time limits hold."""

import signal
import threading
import time

import pytest

import zincmq as zmq

LONG = 60_000


def interrupted(call):
    """Ctrl-C while this thread waits in `call`."""
    me = threading.get_ident()

    def press():
        # Until one comes while it waits.
        while not done.wait(0.1):
            signal.pthread_kill(me, signal.SIGINT)

    done = threading.Event()
    thread = threading.Thread(target=press)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            try:
                call()
            finally:
                done.set()
    finally:
        while True:
            try:
                done.set()
                thread.join()
                return
            except KeyboardInterrupt:
                pass


def test_ctrl_c_ends_a_receive(pair):
    one, _ = pair()
    interrupted(lambda: one.recv())
    interrupted(lambda: one.recv(copy=False))
    interrupted(lambda: one.recv_into(bytearray(5)))


def test_ctrl_c_ends_a_send(ctx):
    push = ctx.socket(zmq.PUSH)
    interrupted(lambda: push.send(b"to nobody"))
    interrupted(lambda: push.send(b"to nobody", zmq.SNDMORE))


def test_ctrl_c_ends_a_poll(pair):
    one, _ = pair()
    interrupted(lambda: one.poll())
    interrupted(lambda: zmq.select([one], [], []))


def test_ctrl_c_ends_a_proxy(ctx):
    front, back = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
    interrupted(lambda: zmq.proxy(front, back))


def test_ctrl_c_ends_a_monitored_queue(ctx):
    from zmq.devices import monitored_queue

    front, back, side = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER), ctx.socket(zmq.PUB)
    interrupted(lambda: monitored_queue(front, back, side))


def test_ctrl_c_ends_a_term():
    ctx = zmq.Context()
    socket = ctx.socket(zmq.PULL)
    interrupted(ctx.term)
    assert not ctx.closed
    socket.close()
    ctx.term()
    assert ctx.closed


def test_a_term_that_was_ended_is_not_waited_for_again(python):
    """Neither by the end of a context, nor by that of the program."""
    text = """
import signal
import zincmq as zmq

def work():
    ctx = zmq.Context()
    push = ctx.socket(zmq.PUSH)
    push.connect("tcp://127.0.0.1:1")
    push.send(b"nobody has it")
    push.close()
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    ctx.term()

class Ended(Exception):
    pass

def end(*_):
    raise Ended

signal.signal(signal.SIGALRM, end)
try:
    work()
except Ended:
    print("ended")
"""
    assert python("-c", text) == "ended"


def test_a_handler_that_raises_nothing_goes_unseen(pair):
    one, two = pair()
    ran = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: ran.set())
    me = threading.get_ident()

    def disturb():
        while not ran.wait(0.05):
            signal.pthread_kill(me, signal.SIGUSR1)
        two.send(b"after")

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        assert one.recv() == b"after"
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def test_limits_hold_in_spite_of_handlers(pair):
    one, _ = pair()
    one.rcvtimeo = 300
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    # More often than the limit: it would never pass if it began anew.
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        for wait in (one.recv, lambda: one.poll(300) or one.recv(zmq.DONTWAIT)):
            start = time.monotonic()
            with pytest.raises(zmq.Again):
                wait()
            assert time.monotonic() - start >= 0.29
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("wait", ["recv", "poll", "send", "term"])
def test_other_threads_run_meanwhile(ctx, wait):
    """The wait ends by what another thread does."""
    own = zmq.Context()
    socket = own.socket(zmq.DEALER)
    port = socket.bind_to_random_port("tcp://127.0.0.1") if wait != "send" else None

    def help():
        time.sleep(0.1)
        other = ctx.socket(zmq.DEALER)
        if wait == "send":
            socket.bind("inproc://late")
            late = own.socket(zmq.DEALER)
            late.connect("inproc://late")
            assert late.recv() == b"to whoever comes"
            late.close(linger=0)
        elif wait == "term":
            socket.close()
        else:
            other.connect(f"tcp://127.0.0.1:{port}")
            other.send(b"at last")
        other.close()

    thread = threading.Thread(target=help)
    thread.start()
    if wait == "recv":
        assert socket.recv() == b"at last"
    elif wait == "poll":
        assert socket.poll(LONG) == zmq.POLLIN
    elif wait == "send":
        socket.send(b"to whoever comes")
    else:
        own.term()
    thread.join()
    socket.close(linger=0)
    own.term()


def test_termination_ends_waits(pair, ctx):
    one, two = pair()
    seen = []

    def wait():
        try:
            one.recv()
        except zmq.ContextTerminated as error:
            seen.append(error.errno)
        one.close()
        two.close()

    one.rcvtimeo = -1
    thread = threading.Thread(target=wait)
    thread.start()
    ctx.term()
    thread.join()
    assert seen == [zmq.ETERM]


def test_a_signal_for_the_process_reaches_a_waiting_program(python):
    text = """
import os, signal, threading, time
import zincmq as zmq
ctx = zmq.Context()
pull = ctx.socket(zmq.PULL)
pull.bind("tcp://127.0.0.1:*")

def press():
    while not done:
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

done = False
thread = threading.Thread(target=press, daemon=True)
thread.start()
try:
    pull.recv()
except KeyboardInterrupt:
    done = True
    print("ended")
    pull.close()
    ctx.term()
"""
    assert python("-c", text) == "ended"
