"""Sockets, frames and errors, as far as pyzmq's own tests do not go."""

import errno
import subprocess
import sys
import threading

import pytest

import zincmq as zmq


def test_errors_are_pyzmqs(pair, ctx):
    one, _ = pair()
    with pytest.raises(zmq.Again) as info:
        one.recv(zmq.DONTWAIT)
    assert info.value.errno == errno.EAGAIN == zmq.zmq_errno()
    with pytest.raises(zmq.ZMQError) as info:
        one.bind("nonsense")
    assert info.value.errno == errno.EINVAL
    with pytest.raises(zmq.ZMQError) as info:
        one.connect("gopher://127.0.0.1:70")
    assert info.value.errno == errno.EPROTONOSUPPORT
    with pytest.raises(TypeError):
        one.bind(5)
    with pytest.raises(zmq.ZMQError) as info:
        ctx.socket(zmq.REQ).recv()
    assert info.value.errno == zmq.EFSM
    assert "current state" in str(info.value)
    pull = ctx.socket(zmq.PULL)
    with pytest.raises(zmq.ZMQError) as info:
        pull.send(b"")
    assert info.value.errno == errno.ENOTSUP
    pull.close()
    for call in (pull.recv, lambda: pull.get(zmq.TYPE), lambda: zmq.select([pull], [], [], 0)):
        with pytest.raises(zmq.ZMQError) as info:
            call()
        assert info.value.errno == errno.ENOTSOCK


def test_how_long_a_wait_spins_is_an_option_of_the_context(ctx):
    assert zmq.SPIN == 7001 and ctx.get(zmq.SPIN) == 20
    ctx.set(zmq.SPIN, 0)
    assert ctx.get(zmq.SPIN) == 0
    with pytest.raises(zmq.ZMQError) as info:
        ctx.set(zmq.SPIN, -1)
    assert info.value.errno == errno.EINVAL


@pytest.mark.parametrize("value", [None, "text", 1.5, [], b"bytes", 2**40])
def test_values_of_the_wrong_type(ctx, value):
    socket = ctx.socket(zmq.PULL)
    with pytest.raises((TypeError, OverflowError)):
        socket.set(zmq.RCVHWM, value)
    assert socket.rcvhwm == 1000


def test_what_is_true_or_false_is_taken_for_it(pair):
    one, two = pair()
    one.send(b"data", copy=1, track=0)
    assert two.recv(copy="yes") == b"data"
    one.send(b"data", copy=0, track=[])
    assert two.recv(copy=None, track=0).bytes == b"data"
    frame = zmq.Frame(b"x" * 10, track=1, copy=0)
    assert frame.tracker is not None
    frame.more = 1
    assert frame.more is True


def test_of_numbers_the_whole_counts(ctx, pair):
    one, two = pair(zmq.DEALER, zmq.DEALER)
    one.send(b"data", flags=2.5)
    one.send(b"more", flags=0.0)
    assert two.recv(flags=0.0) == b"data"
    assert zmq.zmq_poll([(two, 1.0)], 1.5) == [(two, zmq.POLLIN)]
    assert two.get(float(zmq.TYPE)) == zmq.DEALER
    with pytest.raises(TypeError):
        two.recv(flags="0")
    socket = ctx.socket(zmq.PUSH)
    socket.connect("tcp://127.0.0.1:1")
    socket.send(b"lost")
    socket.close(linger=0.0)


def test_items_of_a_poll_are_pairs_of_any_kind(pair):
    one, two = pair()
    one.send(b"")
    assert zmq.zmq_poll([[two, zmq.POLLIN]], 60_000) == [(two, zmq.POLLIN)]
    for wrong in ([one], [(one,)], [(one, 1, 1)], [(one, "1")]):
        with pytest.raises((TypeError, ValueError)):
            zmq.zmq_poll(wrong, 0)


@pytest.mark.parametrize("option", [-1, 1, 4, zmq.MAXMSGSIZE, zmq.RCVHWM])
def test_numbers_that_c_does_not_have(ctx, option):
    socket = ctx.socket(zmq.PULL)
    for value in (2**63, 2**64 - 1, -(2**63) - 1, 10**30):
        with pytest.raises(OverflowError):
            socket.set(option, value)


def test_names_that_are_no_text(ctx):
    socket = ctx.socket(zmq.PULL)
    for call in (socket.bind, socket.connect, socket.unbind, socket.disconnect, socket.monitor):
        with pytest.raises(UnicodeEncodeError):
            call("inproc://\ud800")


def test_objects_that_were_never_made():
    for kind in (zmq.backend.Socket, zmq.backend.Context, zmq.backend.Frame):
        blank = kind.__new__(kind)
        del blank
    socket = zmq.backend.Socket.__new__(zmq.backend.Socket)
    with pytest.raises(zmq.ZMQError):
        socket.recv()
    assert socket.closed
    socket.close()
    with pytest.raises(TypeError):
        zmq.backend.Socket()
    with pytest.raises(zmq.ZMQError):
        zmq.backend.Socket(shadow=12345)
    with pytest.raises(zmq.ZMQError):
        zmq.backend.Context(shadow=12345)


def test_keys_are_read_as_they_were_set(ctx):
    public, secret = zmq.curve_keypair()
    assert zmq.curve_public(secret) == public
    socket = ctx.socket(zmq.DEALER)
    socket.curve_publickey = public
    assert socket.curve_publickey == public
    with pytest.raises(ValueError):
        zmq.curve_public(b"short")
    with pytest.raises(zmq.ZMQError):
        zmq.curve_public(b" " * 40)
    assert zmq.curve_public(bytearray(secret)) == zmq.curve_public(secret.decode()) == public
    with pytest.raises(zmq.ZMQError):
        zmq.curve_public(b"\xff" * 40)
    with pytest.raises(ValueError):
        zmq.curve_public([])
    with pytest.raises(TypeError):
        zmq.curve_public([0] * 40)


def test_threads_that_share_a_socket_do_not_mix_parts(ctx):
    push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
    pull.bind("inproc://shared")
    push.connect("inproc://shared")
    pull.rcvtimeo = 60_000

    def work(number):
        for n in range(200):
            push.send_multipart([b"%d" % number, b"%d" % n, b"%d" % number])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    seen = {n: [] for n in range(4)}
    for _ in range(800):
        first, n, last = pull.recv_multipart()
        assert first == last
        seen[int(first)].append(int(n))
    for thread in threads:
        thread.join()
    assert all(numbers == list(range(200)) for numbers in seen.values())


def test_half_a_message_that_was_refused_goes_on(ctx):
    router = ctx.socket(zmq.ROUTER)
    router.router_mandatory = 1
    router.bind("inproc://names")
    with pytest.raises(zmq.ZMQError) as info:
        router.send(b"nobody", zmq.SNDMORE)
    assert info.value.errno == errno.EHOSTUNREACH
    dealer = ctx.socket(zmq.DEALER)
    dealer.routing_id = b"somebody"
    dealer.connect("inproc://names")
    router.send_multipart([b"somebody", b"hello"])
    assert dealer.recv() == b"hello"


def test_frames_tell_where_they_came_from(pair):
    one, two = pair(zmq.DEALER, zmq.DEALER)
    one.send(b"hello")
    frame = two.recv(copy=False)
    assert frame["Socket-Type"] == "DEALER"
    assert frame.get("Peer-Address") == "127.0.0.1"
    with pytest.raises(zmq.ZMQError):
        frame.get("Unknown")
    with pytest.raises(TypeError):
        frame.get(1.5)


def test_a_frame_holds_its_memory(pair):
    one, two = pair()
    one.send(b"x" * 100)
    view = memoryview(two.recv(copy=False))
    one.send(b"y" * 100)
    two.recv()
    assert view.tobytes() == b"x" * 100


def test_messages_that_were_sent_arrive_after_a_program_ended(python, ctx):
    pull = ctx.socket(zmq.PULL)
    pull.rcvtimeo = 60_000
    pull.bind("tcp://127.0.0.1:*")
    text = f"""
import zincmq as zmq
with zmq.Context() as ctx, ctx.socket(zmq.PUSH) as push:
    push.connect("{pull.last_endpoint.decode()}")
    for n in range(1000):
        push.send(b"%d" % n)
"""
    python("-c", text)
    assert [int(pull.recv()) for _ in range(1000)] == list(range(1000))


def test_a_program_may_end_with_everything_open(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        """
import zincmq as zmq
ctx = zmq.Context()
push = ctx.socket(zmq.PUSH)
push.connect("tcp://127.0.0.1:1")
push.send(bytes(1_000_000), copy=False, track=True)
frame = zmq.Frame(bytes(1_000_000), copy=False, track=True)
print("end")
"""
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_more_requests_than_the_high_water_mark(pair):
    rep, req = pair(zmq.REP, zmq.REQ)
    for number in range(2500):
        req.send(b"%d" % number)
        rep.send(rep.recv())
        assert req.recv() == b"%d" % number


def test_pyzmqs_send_is_not_in_the_way():
    assert zmq.Socket.send is zmq.backend.Socket.send


def test_a_class_beside_a_socket_hears_of_its_subclasses(ctx):
    heard = []

    class Mixin:
        def __init_subclass__(cls, **kwargs):
            heard.append((cls.__name__, kwargs))

    class Own(zmq.Socket, Mixin, word=1):
        def send(self, data, *args, **kwargs):
            return super().send(data.upper(), *args, **kwargs)

    assert heard == [("Own", {"word": 1})]
    two = ctx.socket(zmq.PAIR)
    with Own(ctx, zmq.PAIR) as one:
        one.bind("inproc://own")
        two.connect("inproc://own")
        one.send(b"loud", flags=0, copy=False)
        assert two.recv() == b"LOUD"


def test_a_send_names_its_group_or_peer(ctx):
    radio, dish = ctx.socket(zmq.RADIO), ctx.socket(zmq.DISH)
    dish.bind("inproc://group")
    radio.connect("inproc://group")
    dish.rcvtimeo = 60_000
    dish.join("news")
    radio.send(b"not for it", group="weather")
    radio.send(zmq.Frame(b"for it"), group="news")
    frame = dish.recv(copy=False)
    assert (frame.bytes, frame.group) == (b"for it", "news")

    server, client = ctx.socket(zmq.SERVER), ctx.socket(zmq.CLIENT)
    server.bind("inproc://peer")
    client.connect("inproc://peer")
    server.rcvtimeo = client.rcvtimeo = 60_000
    client.send(b"question")
    peer = server.recv(copy=False).routing_id
    server.send(b"answer", routing_id=peer)
    assert client.recv() == b"answer"
    with pytest.raises(TypeError):
        server.send("text", routing_id=peer)
