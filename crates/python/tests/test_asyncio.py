"""Sockets whose sends and receives are awaited."""

import asyncio
import contextlib
import contextvars
import gc
import os
import random
import select
import threading
import time
import weakref

import pytest

import zincmq as zmq
import zincmq.asyncio as zaio

SECONDS = 60


def run(main, loop=None, **options):
    """Runs a coroutine function with two connected sockets, within a time that only a hang takes."""

    async def bounded():
        async with sockets(**options) as pair:
            return await asyncio.wait_for(main(*pair), SECONDS)

    if loop is None:
        return asyncio.run(bounded())
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(bounded())


@contextlib.asynccontextmanager
async def sockets(first=zmq.PUSH, second=zmq.PULL, transport="tcp", hwm=None):
    ctx = zaio.Context()
    try:
        one, two = ctx.socket(first), ctx.socket(second)
        if hwm is not None:
            one.sndhwm = two.rcvhwm = hwm
        if transport == "tcp":
            one.bind("tcp://127.0.0.1:*")
            two.connect(one.last_endpoint.decode())
        else:
            one.bind(f"inproc://{id(one)}")
            two.connect(f"inproc://{id(one)}")
        yield one, two
    finally:
        ctx.destroy(linger=0)


def deliver(socket):
    """Until the receives that wait have their messages, and no task has run."""
    while socket._recv_futures:
        zaio._hub().dispatch()


def loops():
    yield pytest.param(asyncio.new_event_loop, id="asyncio")

    def debugged():
        loop = asyncio.new_event_loop()
        loop.set_debug(True)
        return loop

    yield pytest.param(debugged, id="debug")
    try:
        import uvloop
    except ImportError:
        return
    yield pytest.param(uvloop.new_event_loop, id="uvloop")


@pytest.fixture(params=loops())
def loop(request):
    return request.param


def test_what_can_be_done_at_once_needs_no_turn_of_the_loop(loop):
    async def main(one, two):
        await one.send(b"first")
        assert await two.recv() == b"first"
        for _ in range(100):
            await one.send(b"more")
        await two.poll()
        turns = []
        asyncio.get_running_loop().call_soon(turns.append, 1)
        sent = one.send(b"again")
        assert sent.done() and await sent is None
        received = two.recv()
        assert received.done() and await received == b"more"
        assert await received == b"more" and received.result() == b"more"
        assert not turns

    run(main, loop, transport="inproc")


def test_a_task_that_never_has_to_wait_lets_others_run(loop):
    async def main(one, two):
        others = 0

        async def other():
            nonlocal others
            while True:
                others += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        for _ in range(5000):
            await one.send(b"x")
            await two.recv()
        assert 5 <= others <= 5000
        task.cancel()

    run(main, loop, transport="inproc")


def test_streams_arrive_whole_and_in_order(loop):
    async def main(one, two):
        count = 20_000

        async def send():
            for number in range(count):
                await one.send_multipart([b"%d" % number, bytes(number % 300)])

        task = asyncio.create_task(send())
        for number in range(count):
            assert await two.recv_multipart() == [b"%d" % number, bytes(number % 300)]
        await task

    run(main, loop)


@pytest.mark.parametrize("how", ["cancel", "timeout", "wait_for", "future"])
def test_a_storm_of_cancelled_receives_loses_nothing(loop, how):
    """However a receive ends before it has a message, the next one has it."""
    count, cancelled = 20_000, 10_000

    async def main(one, two):
        got, ended = [], 0
        dice = random.Random(1)

        async def send():
            for number in range(count):
                await one.send(b"%d" % number)
                if number % 8 == 0:
                    # Now and then there is nothing to receive for a while.
                    await asyncio.sleep(0.001 if number % 128 == 0 else 0)

        async def receive():
            got.append(int(await two.recv()))

        async def once():
            if how == "cancel":
                task = asyncio.create_task(receive())
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)
                task.cancel()
                await task
            elif how == "timeout":
                async with asyncio.timeout(dice.random() * 0.0002):
                    await receive()
            elif how == "wait_for":
                got.append(int(await asyncio.wait_for(two.recv(), dice.random() * 0.0002)))
            else:
                future = two.recv()
                for _ in range(dice.randrange(3)):
                    await asyncio.sleep(0)
                future.cancel()
                got.append(int(await future))

        task = asyncio.create_task(send())
        while ended < cancelled and len(got) < count - 1:
            try:
                await once()
            except (asyncio.CancelledError, TimeoutError):
                ended += 1
        while len(got) < count:
            await receive()
        await task
        assert len(got) == count
        wrong = [(place, number) for place, number in enumerate(got) if place != number]
        assert not wrong, wrong[:10]
        assert ended > 0
        assert not await two.poll(0)

    run(main, loop)


def test_a_task_cancelled_with_its_message_at_hand_gives_it_back():
    async def main(one, two):
        task = asyncio.create_task(receive(two))
        await asyncio.sleep(0)
        await one.send_multipart([b"a", b"b"])
        deliver(two)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await two.poll(1000) == zmq.POLLIN
        # The same socket, seen by other means.
        assert zmq.Socket(two).recv_multipart(zmq.DONTWAIT) == [b"a", b"b"]

    async def receive(two):
        await two.recv_multipart()

    run(main)


def poller_of(socket):
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    return poller


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (lambda socket: socket.recv(), b"x"),
        (lambda socket: socket.recv_multipart(), [b"x"]),
        (lambda socket: socket.poll(SECONDS * 1000), zmq.POLLIN),
        (lambda socket: poller_of(socket).poll(SECONDS * 1000), [zmq.POLLIN]),
    ],
    ids=["recv", "recv_multipart", "poll", "Poller"],
)
def test_what_is_given_back_wakes_who_waits_in_another_thread(wait, expected):
    async def main(one, two):
        task = asyncio.create_task(receive(two))
        await asyncio.sleep(0)
        await one.send(b"x")
        deliver(two)
        same, got = zmq.Socket(two), []
        thread = threading.Thread(target=lambda: got.append(wait(same)), daemon=True)
        thread.start()
        # No task runs meanwhile. Not asleep yet, it finds the message all the same.
        wait_for_sleep(thread)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(thread.join, SECONDS)
        if expected == [zmq.POLLIN]:
            got = [[events for _, events in found] for found in got]
        assert got == [expected]

    async def receive(two):
        await two.recv()

    def wait_for_sleep(thread):
        for _ in range(1000):
            with open(f"/proc/self/task/{thread.native_id}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "S":
                    return
            time.sleep(0.001)

    run(main)


def test_what_is_given_back_shows_at_the_descriptor():
    async def main(one, two):
        task = asyncio.create_task(receive(two))
        await asyncio.sleep(0)
        await one.send(b"x")
        deliver(two)
        same = zmq.Socket(two)
        fd = select.poll()
        fd.register(same.FD, select.POLLIN)
        while same.EVENTS & zmq.POLLIN or fd.poll(0):
            pass
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert fd.poll(SECONDS * 1000)
        assert same.EVENTS & zmq.POLLIN
        assert same.recv(zmq.DONTWAIT) == b"x"

    async def receive(two):
        await two.recv()

    run(main)


def test_a_task_that_is_answered_at_once_lets_the_loop_have_its_turns(loop):
    async def main(one, two):
        server = zmq.Socket(two)

        def serve():
            while server.recv():
                server.send(b"x")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        ticks = 0

        async def tick():
            nonlocal ticks
            while ticks < 20:
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        called = asyncio.Event()
        running = asyncio.get_running_loop()
        caller = threading.Timer(0.01, running.call_soon_threadsafe, [called.set])
        caller.start()
        while ticks < 20 or not called.is_set():
            await one.send(b"x")
            assert await one.recv() == b"x"
        await ticking
        await one.send(b"")
        await asyncio.to_thread(thread.join, SECONDS)

    run(main, loop, first=zmq.REQ, second=zmq.REP)


def test_what_is_given_back_keeps_its_order():
    async def main(one, two):
        async def receive():
            return await two.recv()

        tasks = [asyncio.create_task(receive()) for _ in range(3)]
        await asyncio.sleep(0)
        for part in (b"1", b"2", b"3", b"4"):
            await one.send(part)
        deliver(two)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        assert [await two.recv() for _ in range(4)] == [b"1", b"2", b"3", b"4"]

    run(main)


def test_a_reply_that_was_given_back_is_still_owed():
    async def main(one, two):
        async def receive():
            return await one.recv()

        await one.send(b"request")
        assert await two.recv() == b"request"
        task = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await two.send(b"reply")
        deliver(one)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(zmq.ZMQError) as raised:
            await one.send(b"another")
        assert raised.value.errno == zmq.EFSM
        assert await one.recv() == b"reply"
        await one.send(b"another")
        assert await two.recv() == b"another"

    run(main, first=zmq.REQ, second=zmq.REP)


def test_a_cancelled_send_has_handed_over_all_or_nothing(loop):
    async def main(one, two):
        sent, unsent = [], []

        async def send(number):
            future = one.send_multipart([b"%d" % number, b"rest"])
            try:
                await future
            except asyncio.CancelledError:
                # The task may be cancelled after its message was handed over.
                (unsent if future.cancelled() else sent).append(number)
                raise
            sent.append(number)

        tasks = [asyncio.create_task(send(number)) for number in range(3000)]
        await asyncio.sleep(0)
        assert sent and len(sent) < len(tasks)
        dice = random.Random(2)
        got = []
        while not all(task.done() for task in tasks):
            for task in dice.sample(tasks, 30):
                task.cancel()
            got.append(await two.recv_multipart())
            await asyncio.sleep(0)
        while await two.poll(200):
            got.append(await two.recv_multipart())
        assert unsent and all(rest == b"rest" for _, rest in got)
        assert sorted(int(number) for number, _ in got) == sorted(sent)

    run(main, loop, hwm=10, transport="inproc")


def test_a_send_waits_for_room(loop):
    async def main(one, two):
        async def send():
            for number in range(1000):
                await one.send_string(str(number))

        task = asyncio.create_task(send())
        await asyncio.sleep(0)
        assert not task.done()
        assert [await two.recv_string() for _ in range(1000)] == [str(n) for n in range(1000)]
        await task

    run(main, loop, hwm=10, transport="inproc")


def test_time_limits():
    async def main(one, two):
        two.rcvtimeo = 10
        with pytest.raises(zmq.Again):
            await two.recv()
        two.rcvtimeo = 0
        with pytest.raises(zmq.Again):
            await two.recv()
        one.sndtimeo = 10
        with pytest.raises(zmq.Again):
            while True:
                await one.send(b"x")
        with pytest.raises(zmq.Again):
            await one.send(b"x", zmq.DONTWAIT)
        assert await one.poll(10, zmq.POLLOUT) == 0

    run(main, hwm=10, transport="inproc")


def test_many_tasks_on_one_socket(loop):
    async def main(one, two):
        async def receive(number):
            return [await two.recv() for _ in range(20)]

        tasks = [asyncio.create_task(receive(number)) for number in range(100)]
        await asyncio.sleep(0)
        for number in range(2000):
            await one.send(b"%d" % number)
        received = await asyncio.gather(*tasks)
        # Each has them in order, and all are there.
        assert all(sorted(mine, key=int) == mine for mine in received)
        assert sorted(int(n) for mine in received for n in mine) == list(range(2000))

    run(main, loop)


def test_it_is_a_future_to_asyncio(loop):
    async def main(one, two):
        calls = []
        future = two.recv()
        assert asyncio.isfuture(future) and asyncio.ensure_future(future) is future
        assert future.get_loop() is asyncio.get_running_loop()
        with pytest.raises(asyncio.InvalidStateError):
            future.result()
        future.add_done_callback(calls.append)
        future.add_done_callback(print)
        assert future.remove_done_callback(print) == 1
        shielded = asyncio.shield(future)
        shielded.cancel()
        await asyncio.sleep(0)
        assert not future.done()
        await one.send(b"1")
        done, pending = await asyncio.wait({future, asyncio.create_task(asyncio.sleep(0))})
        assert future in done and not pending
        assert calls == [future] and future.result() == b"1" and future.exception() is None
        await one.send(b"2")
        await one.send(b"3")
        assert await asyncio.gather(two.recv(), two.recv()) == [b"2", b"3"]
        waiting = asyncio.gather(two.recv(), two.recv())
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        completed = []
        for next_one in asyncio.as_completed([two.recv(), asyncio.sleep(0, b"slept")]):
            completed.append(await next_one)
            if len(completed) == 1:
                await one.send(b"4")
        assert completed == [b"slept", b"4"]
        message = two.recv()
        assert message.cancel("no more") and not message.cancel()
        with pytest.raises(asyncio.CancelledError, match="no more"):
            await message
        await one.send(b"5")
        assert await two.recv() == b"5"

    run(main, loop)


def test_callbacks_run_in_the_context_they_were_given(loop):
    name = contextvars.ContextVar("name", default="nobody")

    async def main(one, two):
        # The loop's own calls have the context of now.
        first = two.recv()
        await one.send(b"0")
        await first
        calls = []

        def call(_):
            calls.append(name.get())

        given = contextvars.copy_context()
        given.run(name.set, "given")
        name.set("caller")
        future = two.recv()
        future.add_done_callback(call)
        future.add_done_callback(call, context=given)
        name.set("later")
        await one.send(b"1")
        assert await future == b"1"
        future.add_done_callback(call)
        future.add_done_callback(call, context=given)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert calls == ["caller", "given", "later", "given"]

    run(main, loop)


def test_a_received_frame_has_a_tracker(loop):
    async def main(one, two):
        waiting = two.recv(copy=False, track=True)
        await one.send_multipart([b"1", b"2"], copy=0, track=1)
        frames = [await waiting, *await two.recv_multipart(copy=0, track=1)]
        assert [frame.bytes for frame in frames] == [b"1", b"2"]
        assert all(frame.tracker.done for frame in frames)

    run(main, loop)


def test_results_of_all_kinds_come_back_from_an_await():
    async def main(one, two):
        for value in [(), (1, 2), None, ValueError("sent"), {"a": [1]}]:
            await one.send_pyobj(value)
            received = await two.recv_pyobj()
            assert repr(received) == repr(value)
        await one.send(b"not json")
        with pytest.raises(ValueError):
            await two.recv_json()
        await one.send(b"0123456789")
        memory = bytearray(4)
        assert await two.recv_into(memory) == 10 and memory == b"0123"
        await one.send(b"frame", copy=False)
        assert (await two.recv(copy=False)).bytes == b"frame"
        tracker = await one.send(bytes(100_000), copy=False, track=True)
        await two.recv(copy=False)
        await asyncio.to_thread(tracker.wait, SECONDS)
        with pytest.raises(TypeError):
            await one.send("text")
        with pytest.raises(TypeError):
            await one.send_multipart([b"good", 3])

    run(main)


def test_one_notification_for_many_sockets(loop):
    """What changes for all sockets while the loop is busy wakes it once."""

    async def main(*_):
        ctx = zaio.Context()
        plain = zmq.Context(ctx)
        pulls = [ctx.socket(zmq.PULL) for _ in range(50)]
        pushes = [plain.socket(zmq.PUSH) for _ in range(50)]
        for push, pull in zip(pushes, pulls):
            pull.bind("tcp://127.0.0.1:*")
            push.connect(pull.last_endpoint.decode())
            push.send(b"hello")
        assert await asyncio.gather(*(pull.recv() for pull in pulls)) == [b"hello"] * 50
        receives = [pull.recv() for pull in pulls]
        # Connections being made were told of before.
        await asyncio.sleep(0.1)
        before = zaio._hub().notifications
        for push in pushes:
            push.send(b"again")
        # All are there before the loop has a turn.
        for pull in pulls:
            assert zmq.Socket(pull).poll(SECONDS * 1000)
        assert await asyncio.gather(*receives) == [b"again"] * 50
        assert zaio._hub().notifications - before <= 2
        for push in pushes:
            push.close()
        ctx.destroy(linger=0)

    run(main, loop)


def test_loops_in_several_threads(loop):
    """Each with sockets of its own, and all with one that they share."""
    ctx = zaio.Context()
    results = ctx.socket(zmq.PULL)
    results.bind("inproc://results")
    shared = ctx.socket(zmq.PUSH)
    shared.connect("inproc://results")
    wrong = []

    def work(number):
        async def main(one, two):
            for count in range(500):
                await one.send(b"%d" % count)
                assert await two.recv() == b"%d" % count
            await shared.send(b"%d" % number)

        try:
            run(main, loop)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()

    async def collect():
        return sorted([int(await asyncio.wait_for(results.recv(), SECONDS)) for _ in threads])

    collected = asyncio.run(collect())
    for thread in threads:
        thread.join(SECONDS)
    assert not wrong and collected == [0, 1, 2, 3]
    ctx.destroy(linger=0)


def test_one_loop_after_the_other(loop):
    """Sockets outlive a loop, also with a receive that it left behind."""
    ctx = zaio.Context()
    one, two = ctx.socket(zmq.PAIR), ctx.socket(zmq.PAIR)
    one.bind("inproc://loops")
    two.connect("inproc://loops")
    left = []

    async def main(number):
        await one.send(b"%d" % number)
        assert await two.recv() == b"%d" % number
        left.append(two.recv())

    for number in range(5):
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(main(number))
    assert not any(future.done() for future in left)
    ctx.destroy(linger=0)
    assert all(future.cancelled() for future in left)


def test_a_loop_that_is_closed_is_forgotten():
    ctx = zaio.Context()
    socket = ctx.socket(zmq.PULL)
    socket.bind("inproc://forgotten")

    async def main():
        left = socket.recv()
        await asyncio.wait([left], timeout=0.01)
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(main())
    gc.collect()
    assert loop() is None and not len(zaio._hubs)
    ctx.destroy(linger=0)


def test_without_a_loop():
    ctx = zaio.Context()
    socket = ctx.socket(zmq.PULL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with pytest.warns(RuntimeWarning, match="No running event loop"):
        future = socket.recv()
    assert not future.done()
    socket.close()
    assert future.cancelled()
    asyncio.set_event_loop(None)
    loop.close()
    ctx.term()


def test_closing_cancels_what_waits(loop):
    async def main(one, two):
        futures = [two.recv(), two.recv_multipart(), two.poll(), two.recv_json()]
        assert len(two._recv_futures) == 4
        task = asyncio.create_task(wait(two))
        await asyncio.sleep(0)
        two.close()
        assert all(future.cancelled() for future in futures)
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(zmq.ZMQError) as raised:
            await two.recv()
        assert raised.value.errno == zmq.ENOTSOCK
        with pytest.raises(zmq.ZMQError) as raised:
            two.poll()
        assert raised.value.errno == zmq.ENOTSUP

    async def wait(two):
        await two.recv()

    run(main, loop)


def test_closing_in_another_thread_cancels_what_waits(loop):
    async def main(one, two):
        future = two.recv()
        await asyncio.to_thread(two.close)
        with pytest.raises(asyncio.CancelledError):
            await future

    run(main, loop)


def test_terminating_the_context_ends_what_waits(loop):
    async def main(one, two):
        # Another object for the same context: closes no sockets.
        future = two.recv()
        thread = threading.Thread(target=one.context.term)
        thread.start()
        with pytest.raises(zmq.ContextTerminated):
            await future
        with pytest.raises(zmq.ContextTerminated):
            await one.send(b"")
        one.close()
        two.close()
        await asyncio.to_thread(thread.join, SECONDS)
        assert not thread.is_alive()

    run(main, loop)


def test_poller(loop):
    async def main(one, two):
        plain = zmq.Socket(two)
        poller = zaio.Poller()
        poller.register(one, zmq.POLLIN)
        poller.register(plain, zmq.POLLIN)
        read, write = os.pipe()
        poller.register(read, zmq.POLLIN)
        assert await poller.poll(0) == [] and await poller.poll(5) == []
        waiting = poller.poll()
        await asyncio.sleep(0)
        await one.send(b"x")
        assert await asyncio.wait_for(waiting, SECONDS) == [(plain, zmq.POLLIN)]
        await two.recv()
        waiting = poller.poll(SECONDS * 1000)
        await asyncio.sleep(0)
        os.write(write, b"x")
        assert await waiting == [(read, zmq.POLLIN)]
        os.read(read, 1)
        waiting = poller.poll()
        waiting.cancel()
        await asyncio.sleep(0)
        assert not two._recv_futures
        os.close(read)
        os.close(write)

    run(main, loop, first=zmq.PAIR, second=zmq.PAIR)


def test_sockets_that_nobody_else_holds_wait_on():
    async def main(one, two):
        future = zaio.Socket(two).recv()
        gc.collect()
        await one.send(b"x")
        assert await future == b"x"

    run(main)


def test_abandoned_tasks_leave_nothing_behind():
    async def main(one, two):
        for _ in range(10):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(two.recv_string(), 0.001)
        assert not two._recv_futures
        gate = weakref.ref(two.recv())
        assert len(two._recv_futures) == 1
        gate().cancel()
        gc.collect()
        assert gate() is None

    run(main)


def test_labels():
    async def main(one, two):
        await one.send(b"hello")
        request = await two.recv(copy=False)
        await two.send(b"answer", routing_id=request.routing_id)
        assert await one.recv() == b"answer"
        with pytest.raises(zmq.ZMQError):
            await two.send(b"nobody", routing_id=request.routing_id + 1)

    run(main, first=zmq.CLIENT, second=zmq.SERVER)


def test_a_forked_child_has_its_own(python):
    program = """
import asyncio, os, warnings
import zincmq as zmq, zincmq.asyncio
warnings.simplefilter("ignore")

async def talk():
    with zincmq.asyncio.Context() as ctx, ctx.socket(zmq.PAIR) as one, ctx.socket(zmq.PAIR) as two:
        one.bind("tcp://127.0.0.1:*")
        two.connect(one.last_endpoint.decode())
        receive = two.recv_string()
        await one.send_string("hello")
        return await asyncio.wait_for(receive, 60)

async def again(inherited):
    await inherited.recv()

async def parent():
    ctx = zincmq.asyncio.Context()
    one, two = ctx.socket(zmq.PAIR), ctx.socket(zmq.PAIR)
    one.bind("tcp://127.0.0.1:*")
    two.connect(one.last_endpoint.decode())
    receive = two.recv()
    child = os.fork()
    if child == 0:
        asyncio._set_running_loop(None)
        asyncio.set_event_loop(None)
        code = 1
        try:
            assert asyncio.run(talk()) == "hello"
            try:
                asyncio.run(again(two))
            except zmq.ContextTerminated:
                code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    await one.send(b"still here")
    print(await asyncio.wait_for(receive, 60))
    ctx.destroy(linger=0)

asyncio.run(parent())
"""
    assert python("-c", program) == "b'still here'"


def test_no_warnings_in_development_mode(python):
    program = """
import asyncio
import zincmq as zmq, zincmq.asyncio

async def main():
    with zincmq.asyncio.Context() as ctx:
        with ctx.socket(zmq.PUSH) as one, ctx.socket(zmq.PULL) as two:
            one.bind("tcp://127.0.0.1:*")
            two.connect(one.last_endpoint.decode())
            receive = two.recv()
            await one.send(b"x")
            print(await receive)

for _ in range(3):
    asyncio.run(main())
"""
    assert python("-X", "dev", "-W", "error", "-c", program) == "\n".join(["b'x'"] * 3)
