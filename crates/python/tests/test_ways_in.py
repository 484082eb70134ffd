"""The three ways to ZincMQ: import zincmq, python -m zincmq, PYZMQ_BACKEND."""

import py_compile
import zipfile

import pytest

WHICH = "print(zmq.backend.Socket.__module__)"
OURS = "zincmq._native"

APP = """\
import multiprocessing
import os
import sys
import zmq

class Task:
    pass

def work(queue, task):
    queue.put((zmq.backend.Socket.__module__, type(task).__name__))

if __name__ == "__main__":
    print(zmq.backend.Socket.__module__)
    print(sys.argv, __file__, sys.path[0], __spec__ and __spec__.name)
    print(sys.modules["__main__"].Task is Task)
    for method in sys.argv[1:]:
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=work, args=(queue, Task()))
        process.start()
        print(*queue.get(timeout=50))
        process.join()
"""


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "app.py").write_text(APP)
    (folder / "__main__.py").write_text(APP)
    return folder / "app.py"


def test_import_zincmq(python):
    assert python("-c", f"import zincmq as zmq; {WHICH}") == OURS
    assert python("-c", f"import zincmq, zmq; {WHICH}") == OURS
    text = "from zincmq import *; print(Context is __import__('zmq').Context, REQ == 3)"
    assert python("-c", text) == "True True"


def test_a_module_nobody_has_imported(python):
    for name, where in (("auth", "zmq"), ("asyncio", "zincmq")):
        error = python("-c", f"import zincmq; zincmq.{name}", code=1)
        assert error.endswith(f"has no attribute {name!r}: import {where}.{name}")
    error = python("-c", "import zincmq; zincmq.nonesuch", code=1)
    assert error.endswith("has no attribute 'nonesuch'")
    text = "import zincmq as zmq; import zmq.auth; print(zmq.auth.__name__)"
    assert python("-c", text) == "zmq.auth"


def test_import_leaves_the_environment_alone(python):
    text = "import os, zincmq; print(os.environ.get('PYZMQ_BACKEND'))"
    assert python("-c", text) == "None"


def test_the_variable(python):
    env = {"PYZMQ_BACKEND": "zincmq.backend"}
    assert python("-c", f"import zmq; {WHICH}", env=env) == OURS
    assert python("-c", f"import zmq, zincmq; {WHICH}", env=env) == OURS
    text = "import zmq, zincmq; print(zincmq.Socket is zmq.Socket)"
    assert python("-c", text, env=env) == "True"


def test_too_late(python):
    error = python("-c", "import zmq; import zincmq", code=1)
    assert "ImportError: zmq was imported before zincmq" in error


def test_versions(python):
    text = "import zincmq; print(zincmq.zmq_version(), zincmq.__version__, zincmq.has('zincmq'))"
    version, own, has = python("-c", text).split()
    assert version == "4.3.5"
    assert own.count(".") == 2
    assert has == "True"
    assert own in python("-m", "zincmq", "--version")


def test_a_script(python, app):
    ours, seen, is_main = python("-m", "zincmq", app).splitlines()
    assert ours == OURS
    assert seen == f"{[str(app)]} {app} {app.parent} None"
    assert is_main == "True"


def test_arguments_are_the_programs(python):
    text = "import sys; print(sys.argv)"
    assert python("-m", "zincmq", "-c", text, "-m", "--help") == "['-c', '-m', '--help']"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_a_script(python, app, method):
    assert python("-m", "zincmq", app, method).splitlines()[-1] == f"{OURS} Task"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_a_module(python, app, method):
    folder = app.parent.parent
    lines = python("-m", "zincmq", "-m", "package.app", method, cwd=folder).splitlines()
    assert lines[0] == OURS
    assert lines[1] == f"{[str(app), method]} {app} {folder} package.app"
    assert lines[-1] == f"{OURS} Task"


def test_a_package_and_a_folder(python, app):
    folder = app.parent
    lines = python("-m", "zincmq", "-m", "package", cwd=folder.parent).splitlines()
    assert lines[1].split()[-1] == "package.__main__"
    (folder / "__init__.py").unlink()
    lines = python("-m", "zincmq", folder).splitlines()
    assert lines[0] == OURS
    assert lines[1].split()[-2] == str(folder)


@pytest.mark.parametrize("kind", ["script", "bytecode", "folder", "archive"])
def test_a_program_may_change_folders(python, tmp_path, kind):
    """Its own place is an absolute one, as without ZincMQ."""
    source = tmp_path / "__main__.py"
    source.write_text(
        "import os, sys\nos.chdir('/')\nimport beside\n"
        "beside = os.path.join(sys.path[0], 'beside.py')\n"
        "print(__file__, sys.path[0], sys.argv, __loader__.get_data(beside))\n"
    )
    (tmp_path / "beside.py").write_text("pass\n")
    program = source.name
    if kind == "bytecode":
        program = "main.pyc"
        py_compile.compile(source, tmp_path / program)
    elif kind == "folder":
        program = "."
    elif kind == "archive":
        program = "main.pyz"
        with zipfile.ZipFile(tmp_path / program, "w") as archive:
            archive.write(source, source.name)
            archive.write(tmp_path / "beside.py", "beside.py")
    ours = python("-m", "zincmq", program, "word", cwd=tmp_path)
    assert ours == python(program, "word", cwd=tmp_path)
    assert ours.startswith(str(tmp_path))


def test_standard_input(python):
    assert python("-m", "zincmq", "-", text=f"import zmq; {WHICH}") == OURS


def test_programs_it_starts(python):
    text = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"
    got = python("-m", "zincmq", "-c", text, "-c", f"import zmq; {WHICH}")
    assert got == OURS


def test_what_cannot_be_run(python, tmp_path):
    assert "what to run?" in python("-m", "zincmq", code=2)
    assert "unknown option -q" in python("-m", "zincmq", "-q", code=2)
    missing = tmp_path / "missing.py"
    assert f"can't open file '{missing}'" in python("-m", "zincmq", missing, code=2)
    assert "no module named missing" in python("-m", "zincmq", "-m", "missing", code=1)
    assert "zincmq: " in python("-m", "zincmq", "-m", ".relative", code=1).splitlines()[-1]
    assert "can't find '__main__'" in python("-m", "zincmq", tmp_path, code=1)
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("import not_there")
    error = python("-m", "zincmq", "-m", "package.app", cwd=tmp_path, code=1)
    assert "in <module>\n    import not_there" in error


def test_errors_and_exit_codes_are_the_programs(python, tmp_path):
    assert python("-m", "zincmq", "-c", "import sys; sys.exit(3)", code=3) == ""
    script = tmp_path / "script.py"
    script.write_text("def fail():\n    raise ValueError('mine')\nfail()\n")
    error = python("-m", "zincmq", script, code=1)
    assert f'File "{script}", line 2, in fail' in error
    assert error.endswith("ValueError: mine")


def test_a_second_interpreter_is_refused(python):
    text = """
import zincmq as zmq
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
other = interpreters.create()
interpreters.run_string(other, '''
try:
    import zincmq
except ImportError:
    print("refused", flush=True)
''')
interpreters.destroy(other)
with zmq.Context() as ctx, ctx.socket(zmq.PULL) as socket:
    try:
        socket.recv(zmq.DONTWAIT)
    except zmq.Again:
        print("here it works")
"""
    assert python("-c", text).splitlines() == ["refused", "here it works"]
