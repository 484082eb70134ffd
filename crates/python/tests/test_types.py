"""The stubs say what is there."""

import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs a stubtest of today")
def test_stubs(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy.stubtest", "zincmq", "--concise"),
            *("--allowlist", HERE / "stubtest-allowlist.txt", "--ignore-unused-allowlist"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_typed_program(tmp_path):
    program = tmp_path / "typed.py"
    program.write_text(
        """
import zincmq as zmq

ctx: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
socket = ctx.socket(zmq.REQ)
socket.send(b"")
reply: bytes = socket.recv()
version: str = zmq.__version__
wrong: int = socket.recv()
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", program.name],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    errors = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(errors) == 1, done.stdout
    assert ":9: error: Incompatible types" in errors[0]
