"""One side of one run, as a process of its own.

    python rows.py LIBRARY STYLE ROLE ENDPOINT SIZE COUNT [--verify]

It prints `ENDPOINT …` where it binds, and `FINDING …` when it is done.
"""

import argparse
import asyncio
import importlib
import json
import time

# The name of the module, and of the one with its sockets for asyncio.
LIBRARIES = {
    "zincmq": ("zincmq", "zincmq.asyncio"),
    "pyzmq": ("zmq", "zmq.asyncio"),
    "pyomq": ("pyomq", "pyomq.asyncio"),
}
BINDERS = {"receive": "PULL", "echo": "REP"}
CONNECTERS = {"send": "PUSH", "ask": "REQ"}
# Messages of arrays that may wait on each side: they are long.
FEW = 4


class Job:
    """What is to be done."""

    def __init__(self, arguments):
        self.size = arguments.size
        self.count = arguments.count
        self.verify = arguments.verify
        # Round trips before the first that counts.
        self.warm_up = min(arguments.count // 10, 1000)
        self._same = self._fill(0)

    def _fill(self, number):
        start = bytes((number * 31 + i * 7) % 256 for i in range(256))
        return (start * (self.size // 256 + 1))[: self.size]

    def payload(self, number):
        return self._fill(number) if self.verify else self._same

    def check(self, payload, number):
        if len(payload) != self.size:
            raise ValueError(f"message {number}: {len(payload)} bytes, not {self.size}")
        if self.verify and bytes(payload) != self._fill(number):
            raise ValueError(f"message {number}: wrong content")


def latency(nanoseconds):
    """One way, in microseconds."""
    half = sorted(value / 2000 for value in nanoseconds)
    last = len(half) - 1
    return {
        "median": half[last // 2],
        "p99": half[last * 99 // 100],
        "max": half[last],
    }


class Blocking:
    """Calls that wait."""

    @staticmethod
    def receive(socket, job):
        recv, check, now = socket.recv, job.check, time.perf_counter_ns
        check(recv(), 0)
        first = now()
        for number in range(1, job.count):
            check(recv(), number)
        return {"seconds": (now() - first) / 1e9}

    @staticmethod
    def send(socket, job):
        send, payload = socket.send, job.payload
        for number in range(job.count):
            send(payload(number))
        return {}

    @staticmethod
    def echo(socket, job):
        for _ in range(job.warm_up + job.count):
            socket.send(socket.recv())
        return {}

    @staticmethod
    def ask(socket, job):
        now, trips = time.perf_counter_ns, []
        for number in range(job.warm_up + job.count):
            payload = job.payload(number)
            start = now()
            socket.send(payload)
            answer = socket.recv()
            trips.append(now() - start)
            job.check(answer, number)
        return latency(trips[job.warm_up :])


class Array:
    """NumPy arrays, without a copy on either side."""

    @staticmethod
    def receive(socket, job):
        numpy = importlib.import_module("numpy")

        def recv(number):
            frame = socket.recv(copy=False)
            array = numpy.frombuffer(frame, numpy.uint8)
            job.check(array, number)

        recv(0)
        first = time.perf_counter_ns()
        for number in range(1, job.count):
            recv(number)
        return {"seconds": (time.perf_counter_ns() - first) / 1e9}

    @staticmethod
    def send(socket, job):
        numpy = importlib.import_module("numpy")
        for number in range(job.count):
            array = numpy.frombuffer(job.payload(number), numpy.uint8)
            socket.send(array, copy=False)
        return {}


class Asyncio:
    """Coroutines, one of which is at work at a time."""

    @staticmethod
    async def receive(socket, job):
        recv, check, now = socket.recv, job.check, time.perf_counter_ns
        check(await recv(), 0)
        first = now()
        for number in range(1, job.count):
            check(await recv(), number)
        return {"seconds": (now() - first) / 1e9}

    @staticmethod
    async def send(socket, job):
        send, payload = socket.send, job.payload
        for number in range(job.count):
            await send(payload(number))
        return {}

    @staticmethod
    async def echo(socket, job):
        for _ in range(job.warm_up + job.count):
            await socket.send(await socket.recv())
        return {}

    @staticmethod
    async def ask(socket, job):
        now, trips = time.perf_counter_ns, []
        for number in range(job.warm_up + job.count):
            payload = job.payload(number)
            start = now()
            await socket.send(payload)
            answer = await socket.recv()
            trips.append(now() - start)
            job.check(answer, number)
        return latency(trips[job.warm_up :])


STYLES = {"blocking": Blocking, "array": Array, "asyncio": Asyncio}


def say(word, text):
    print(word, text, flush=True)


def open_socket(context, constants, arguments):
    """A socket for the role, bound or connected."""
    kind = (BINDERS | CONNECTERS)[arguments.role]
    socket = context.socket(getattr(constants, kind))
    # What is queued goes out before the context ends.
    socket.setsockopt(constants.LINGER, -1)
    if arguments.style == "array":
        socket.setsockopt(constants.SNDHWM, FEW)
        socket.setsockopt(constants.RCVHWM, FEW)
    if arguments.role in BINDERS:
        socket.bind(arguments.endpoint)
        endpoint = socket.getsockopt(constants.LAST_ENDPOINT)
        if isinstance(endpoint, bytes):
            endpoint = endpoint.rstrip(b"\0").decode()
        say("ENDPOINT", endpoint)
    else:
        socket.connect(arguments.endpoint)
    return socket


def play(arguments):
    plain, for_asyncio = LIBRARIES[arguments.library]
    constants = importlib.import_module(plain)
    is_async = arguments.style == "asyncio"
    module = importlib.import_module(for_asyncio) if is_async else constants
    if arguments.style == "array":
        # Its import is no part of the work.
        importlib.import_module("numpy")
    job = Job(arguments)
    role = getattr(STYLES[arguments.style], arguments.role)
    before = time.process_time()

    def work():
        context = module.Context()
        socket = open_socket(context, constants, arguments)
        return context, socket, role(socket, job)

    async def work_async():
        context, socket, coroutine = work()
        finding = await coroutine
        # Whatever is still queued goes out here, and counts.
        socket.close()
        context.term()
        return finding

    if is_async:
        finding = asyncio.run(work_async())
    else:
        context, socket, finding = work()
        socket.close()
        context.term()
    finding["cpu_seconds"] = time.process_time() - before
    return finding


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("style", choices=STYLES)
    parser.add_argument("role", choices=[*BINDERS, *CONNECTERS])
    parser.add_argument("endpoint")
    parser.add_argument("size", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--verify", action="store_true")
    say("FINDING", json.dumps(play(parser.parse_args())))


if __name__ == "__main__":
    main()
