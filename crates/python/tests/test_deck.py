"""The programs of a slide deck about messaging, run as they are printed there.

The deck is no part of the repository. It is looked for in DECK_DIR, which is `../shared/deck` beside
the repository if it is not set.
"""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
DECK = pathlib.Path(os.environ.get("DECK_DIR", ROOT / "../shared/deck"))
TEXT = "\n".join(path.read_text() for path in sorted(DECK.glob("*")) if path.is_file())
if not TEXT:
    pytest.skip(f"no deck in {DECK} (DECK_DIR)", allow_module_level=True)

PROGRAMS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
# What each kind of program has that no other has, and the deck's word for it.
KINDS = {
    "tasks": "def sync_task(",
    "request-reply": "def server():",
    "publish-subscribe": "async def publisher():",
    "basic": "\nsocket.bind(",
}
# The deck's programs have fixed ports.
PORT = 5555


def program(kind):
    (found,) = [text for text in PROGRAMS if KINDS[kind] in text]
    return found


def output(heading, side=None):
    """The lines that the deck shows below a heading, up to those it leaves out."""
    below = TEXT[TEXT.index(heading) :]
    if side:
        below = below[below.index(f"\n{side}:\n") :]
    shown = re.search(r"^```\n(.*?)^```", below, re.DOTALL | re.MULTILINE)
    return shown.group(1).split("...")[0].splitlines()


@pytest.fixture
def start(tmp_path):
    """Starts a program by `python -m zincmq`."""
    running = []

    def run(text):
        path = tmp_path / f"program{len(running)}.py"
        path.write_text(text)
        command = [sys.executable, "-u", "-m", "zincmq", path]
        env = {k: v for k, v in os.environ.items() if k != "PYZMQ_BACKEND"}
        printed = open(f"{path}.log", "w+")
        process = subprocess.Popen(command, stdout=printed, stderr=printed, env=env)
        process.log = pathlib.Path(printed.name)
        running.append((process, printed))
        return process

    yield run
    for process, printed in running:
        process.kill()
        process.wait()
        printed.close()


@pytest.fixture
def port():
    """Fails early, and says why, where the deck's port is somebody else's."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", PORT))
        except OSError as error:
            pytest.skip(f"port {PORT}, which the deck has, is taken: {error}")


def lines_of(process, count):
    """The first lines it prints, once there are so many."""
    end = time.monotonic() + 60
    while True:
        lines = process.log.read_text().splitlines()
        if len(lines) >= count:
            return lines[:count]
        assert process.poll() is None, process.log.read_text()
        assert time.monotonic() < end, lines
        time.sleep(0.05)


def test_every_program_is_run_here():
    kinds = [[kind for kind, mark in KINDS.items() if mark in text] for text in PROGRAMS]
    assert sorted(kinds) == sorted([kind] for kind in KINDS)


def test_request_reply(start, port):
    text = program("request-reply")
    server = start(f"{text}\nserver()\n")
    client = start(f"{text}\nclient()\n")
    assert client.wait(timeout=60) == 0, client.log.read_text()
    lines = lines_of(client, 20)
    assert lines[:4] == output("Synchronous Messaging Output", "Client")
    expected = [
        line
        for n in range(10)
        for line in (f"Sending request {n}", f"Received reply {n}: b'World'")
    ]
    assert lines == expected
    shown = output("Synchronous Messaging Output", "Server")
    assert lines_of(server, 10) == [shown[0]] * 10
    assert shown == [shown[0]] * len(shown)


def test_the_basic_example(start, port):
    text = program("request-reply")
    server = start(program("basic"))
    client = start(f"{text}\nclient()\n")
    assert client.wait(timeout=60) == 0, client.log.read_text()
    assert lines_of(client, 20)[-1] == "Received reply 9: b'World'"
    assert lines_of(server, 10) == ["Received request: b'Hello'"] * 10


def test_publish_subscribe(start, port):
    """It awaits sockets that are none of asyncio's, which no pyzmq takes. With a
    context of asyncio's it does what the deck shows."""
    text = program("publish-subscribe")
    printed = start(f"{text}\nasyncio.run(publisher())\n")
    assert printed.wait(timeout=60) != 0
    assert "TypeError" in printed.log.read_text()

    mended = text.replace("import zmq\n", "import zmq, zmq.asyncio\n")
    mended = mended.replace("zmq.Context()", "zmq.asyncio.Context()")
    assert mended != text
    publisher = start(f"{mended}\nasyncio.run(publisher())\n")
    subscriber = start(f"{mended}\nasyncio.run(subscriber())\n")
    for process, side in ((publisher, "Publisher"), (subscriber, "Subscriber")):
        shown = output("Asynchronous Messaging Output", side)
        shape = {re.sub(r"\d+", "N", line) for line in shown}
        assert {re.sub(r"\d+", "N", line) for line in lines_of(process, 2)} == shape
    received = [line.split()[-1] for line in lines_of(subscriber, 2)]
    sent = [line.split()[-1] for line in lines_of(publisher, 2)]
    assert int(received[0]) >= int(sent[0])


def test_tasks_one_after_another(start):
    """It calls a function by half its name. With all of it, it does what the deck
    shows."""
    text = program("tasks")
    printed = start(text)
    assert printed.wait(timeout=60) != 0
    assert "NameError: name 'ync_task'" in printed.log.read_text()

    mended = start(text.replace("\nync_task", "\nsync_task"))
    assert mended.wait(timeout=60) == 0, mended.log.read_text()
    lines = mended.log.read_text().splitlines()
    shown = output("Synchronous Output")
    assert lines[:-1] == shown[:-1]
    assert re.sub(r"[\d.]+", "N", lines[-1]) == re.sub(r"[\d.]+", "N", shown[-1])
