"""The examples print what their titles say, and README.md shows them as they are."""

import pathlib
import re

import pytest

HERE = pathlib.Path(__file__).parent.parent
LAST = {
    "array": "(1000, 2000) True",
    "publish_subscribe": "Received: Update 2",
    "push_pull": "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]",
    "request_reply": "Received reply 2: b'World'",
    "synchronous": "End task 2",
}


def test_all_are_known():
    assert sorted(path.stem for path in HERE.glob("examples/*.py")) == sorted(LAST)


@pytest.mark.parametrize("name", LAST)
def test_an_example(python, name):
    lines = python("-u", HERE / f"examples/{name}.py").splitlines()
    assert LAST[name] in lines[-2:]


def test_an_unedited_program(python, tmp_path):
    program = tmp_path / "app.py"
    text = (HERE / "examples/request_reply.py").read_text()
    program.write_text(text.replace("import zincmq as zmq", "import zmq"))
    assert LAST["request_reply"] in python("-m", "zincmq", program)


def test_the_code_in_the_readme(python):
    readme = (HERE / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert blocks
    for block in blocks:
        # What a line prints stands behind it.
        expected = re.findall(r"print\(.*\)  # (.*)", block)
        assert python("-c", block).splitlines() == expected
