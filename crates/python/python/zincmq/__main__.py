"""Runs a program that uses pyzmq, unedited, on ZincMQ.

    python -m zincmq app.py args...
    python -m zincmq -m module args...
    python -m zincmq -c 'code' args...

The program sees what it would without `-m zincmq`: its arguments, its folder
first among the places of modules, itself as `__main__`. So do the processes that
it starts with multiprocessing. They and all other programs that it starts are
told to use ZincMQ, too, by the environment variable PYZMQ_BACKEND.
"""

import importlib.machinery
import importlib.util
import io
import os
import sys

USAGE = """\
usage: python -m zincmq FILE [ARGUMENT...]
       python -m zincmq -m MODULE [ARGUMENT...]
       python -m zincmq -c CODE [ARGUMENT...]

Runs a Python program that uses pyzmq on ZincMQ.

  -h, --help     show this
  -V, --version  show the version"""


def main(arguments):
    if not arguments:
        return fail("what to run?")
    first, rest = arguments[0], arguments[1:]
    if first in ("-h", "--help"):
        print(USAGE)
        return None
    if first in ("-V", "--version"):
        import zincmq

        print(f"zincmq {zincmq.__version__}, pyzmq {zincmq.pyzmq_version()}")
        return None
    use_backend()
    if first.startswith(("-m", "-c")):
        option, value = first[:2], first[2:]
        if not value:
            if not rest:
                return fail(f"{option} what?")
            value, rest = rest[0], rest[1:]
        run = run_module if option == "-m" else run_code
        return run(value, rest)
    if first.startswith("-") and first != "-":
        return fail(f"unknown option {first}")
    return run_file(first, rest)


def fail(why):
    print(f"python -m zincmq: {why}\n{USAGE}", file=sys.stderr)
    sys.exit(2)


def use_backend():
    """Has this process and those it starts use ZincMQ."""
    os.environ["PYZMQ_BACKEND"] = "zincmq.backend"
    import zincmq  # noqa: F401 - complains if it is too late


def run_file(path, arguments):
    sys.argv[:] = [path, *arguments]
    if path == "-":
        put_first("")
        run_as_main(compile(sys.stdin.read(), "<stdin>", "exec"), {})
        return
    # As Python itself has it: a program may well change folders.
    absolute = os.path.join(os.getcwd(), path)
    if is_container(absolute):
        run_container(os.path.abspath(path))
        return
    put_first(os.path.dirname(os.path.realpath(path)))
    try:
        with io.open_code(absolute) as file:
            source = file.read()
    except OSError as error:
        print(f"python -m zincmq: can't open file {absolute!r}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    if path.endswith(".pyc"):
        loader = importlib.machinery.SourcelessFileLoader("__main__", absolute)
        code = loader.get_code("__main__")
    else:
        loader = importlib.machinery.SourceFileLoader("__main__", absolute)
        code = compile(source, absolute, "exec")
    run_as_main(code, {"__file__": absolute, "__cached__": None, "__loader__": loader})


def run_container(path):
    """Runs a folder or an archive with a `__main__` in it."""
    sys.path[: 0 if is_safe() else 1] = [path]
    spec = importlib.machinery.PathFinder.find_spec("__main__", [path])
    if spec is None:
        sys.exit(f"python -m zincmq: can't find '__main__' module in {path!r}")
    run_spec(spec, spec.loader.get_code("__main__"))


def put_first(folder):
    """Has modules be looked for there first, where Python was found by `-m`."""
    if not is_safe():
        sys.path[0] = folder


def is_safe():
    """Whether Python was told (-P, -I) not to look in the program's own folder."""
    return getattr(sys.flags, "safe_path", False) or sys.flags.isolated


def is_container(path):
    if os.path.isdir(path):
        return True
    import zipfile

    return zipfile.is_zipfile(path)


def run_module(name, arguments):
    put_first(os.getcwd())
    # As Python has it while it looks for the module.
    sys.argv[:] = ["-m", *arguments]
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
        code = spec and spec.loader.get_code(spec.name)
    except (ImportError, TypeError, ValueError) as error:
        missing = getattr(error, "name", None)
        if missing and not f"{name}.".startswith(f"{missing}."):
            # It is there, and imports what is not.
            raise
        sys.exit(f"python -m zincmq: {error}")
    if not code:
        sys.exit(f"python -m zincmq: no module named {name} that can be run")
    sys.argv[0] = spec.origin
    run_spec(spec, code)


def run_spec(spec, code):
    """Runs the code of a module."""
    run_as_main(
        code,
        {
            "__file__": spec.origin,
            "__cached__": spec.cached,
            "__loader__": spec.loader,
            "__package__": spec.parent,
            "__spec__": spec,
        },
    )


def run_code(text, arguments):
    put_first("")
    sys.argv[:] = ["-c", *arguments]
    run_as_main(compile(text, "<string>", "exec"), {})


def run_as_main(code, attributes):
    """Runs it in the place of this module."""
    names = sys.modules["__main__"].__dict__
    builtins = names["__builtins__"]
    names.clear()
    names.update(
        __name__="__main__",
        __builtins__=builtins,
        __doc__=None,
        __loader__=None,
        __package__=None,
        __spec__=None,
    )
    names.update(attributes)
    exec(code, names)


if __name__ == "__main__":
    main(sys.argv[1:])
