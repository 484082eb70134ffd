"""What the tests share. They run on the package as it is installed."""

import os
import subprocess
import sys

import pytest

import zincmq as zmq


@pytest.fixture
def ctx():
    ctx = zmq.Context()
    yield ctx
    ctx.destroy(linger=0)


@pytest.fixture
def pair(ctx):
    """Makes two sockets of any types, bound and connected."""

    def make(first=zmq.PAIR, second=zmq.PAIR, transport="tcp"):
        one, two = ctx.socket(first), ctx.socket(second)
        if transport == "tcp":
            one.bind("tcp://127.0.0.1:*")
            two.connect(one.last_endpoint.decode())
        else:
            one.bind(f"inproc://{id(one)}")
            two.connect(f"inproc://{id(one)}")
        for socket in (one, two):
            socket.rcvtimeo = socket.sndtimeo = 60_000
        return one, two

    return make


@pytest.fixture
def python():
    """Runs a Python with arguments, and returns what it prints."""

    def run(*arguments, env=None, code=0, text=None, cwd=None):
        env = {k: v for k, v in os.environ.items() if k != "PYZMQ_BACKEND"} | (env or {})
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            env=env,
            capture_output=True,
            input=text,
            text=True,
            timeout=60,
            cwd=cwd,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return (done.stdout if code == 0 else done.stderr).strip()

    return run
