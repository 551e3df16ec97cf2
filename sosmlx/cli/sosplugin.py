"""`sosmlx sos-plugin`: put the file that sos, or supportconfig, runs into its place, and say what was done."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import resources

from sosmlx.errors import SosmlxError, UsageError
from sosmlx.printable import visible
from sosmlx.record import Answer, Outcome
from sosmlx.sources.run import find, run
from sosmlx.sources.trust import chain_fault

PLUGIN, HINT = "sosmlx.py", "sosmlx.path"
SUPPORTCONFIG = "/usr/lib/supportconfig/plugins"
_MARK = b"sosmlx"
_PLACE = "import os, sos.report.plugins as p; print(os.path.abspath(list(p.__path__)[0]))"
_QUESTIONS = (("-I", "-c", _PLACE), ("--version",))


def sos_plugin(args: argparse.Namespace) -> int:
    """Install the plugin, or print it or where it is. Raises SosmlxError in words where that cannot be done."""
    source = resources.files("sosmlx.sosplugin") / ("supportconfig" if args.supportconfig else PLUGIN)
    if args.what == "print":
        sys.stdout.flush()
        sys.stdout.buffer.write(source.read_bytes())
    elif args.what == "path":
        path = str(source)
        if not os.path.isfile(path):
            raise UsageError(f"{path}: is inside an archive", "sosmlx sos-plugin print writes it to standard output")
        print(visible(path))
    else:
        _install(source.read_bytes(), args)
    return 0


def _install(data: bytes, args: argparse.Namespace) -> None:
    """Write the file, then where this sosmlx is: a plugin that finds none on sos's PATH looks there."""
    name, mode = ("sosmlx", 0o755) if args.supportconfig else (PLUGIN, 0o644)
    folder = args.folder or (_supportconfig() if args.supportconfig else _plugins())
    target = os.path.join(folder, name)
    _check(target)
    _replace(target, data, mode)
    print(f"wrote {visible(target)}")
    program = _program()
    if program:
        hint = os.path.join(folder, HINT) if not args.supportconfig else ""
        if hint:
            _replace(hint, os.fsencode(program) + b"\n", 0o644)
            print(f"wrote {visible(hint)}: {visible(program)} is run where there is no sosmlx on sos's PATH or in /opt")
            fault = chain_fault(program) or _fault(program)
            if fault:
                print(f"but sos cannot use it: {visible(fault)}")
    else:
        print("this sosmlx is no program of its own: install one on sos's PATH, or in /opt/sosmlx")
    print("try it: " + ("supportconfig -i psosmlx" if args.supportconfig else "sos report -o sosmlx --batch"))


def _plugins() -> str:
    """Ask the Python of the installed sos where its plugins are. Raises SosmlxError where there is no sos."""
    program = find("sos")
    advice = "install sos first, or name the folder of its plugins with -o DIR"
    if not program:
        raise SosmlxError("there is no sos on this host", advice)
    python = script_python(program)
    answer = _ask(python, "-I", "-c", _PLACE)
    path = answer.data.decode("utf-8", "replace").strip()
    if answer.outcome is not Outcome.COLLECTED or not os.path.isdir(path):
        raise SosmlxError(f"{program}: its Python ({python}) does not say where its plugins are", advice)
    return path


def _fault(program: str) -> str:
    """Say why a program does not start as sos starts it, by its first line; empty where it does."""
    answer = _ask(program, "--version")
    if answer.outcome is Outcome.COLLECTED:
        return ""
    said = (answer.stderr or answer.data).decode("utf-8", "replace").strip().split("\n")[0]
    return f"{program} does not start: {said or answer.reason}"


def _ask(program: str, *words: str) -> Answer:
    """Run the program at a path with one of our questions."""
    return run((os.path.basename(program), *words), 20.0, search=(os.path.dirname(program),), refusal=_not_asking)


def _not_asking(argv: Sequence[str]) -> str:
    """Say why a command line is not run here: it is no read of a host, and only two questions may be asked."""
    return "" if tuple(argv[1:]) in _QUESTIONS else "no question about where sos keeps its plugins, or our version"


def script_python(program: str) -> str:
    """Read which Python a script runs under; python3 where its first line does not tell. Raises SosmlxError."""
    try:
        with open(program, "rb") as file:
            first = file.readline(256).decode("utf-8", "replace")
    except OSError as error:
        raise SosmlxError(f"{program}: {error.strerror or error}", "are you root?") from None
    words = first[2:].split() if first.startswith("#!") else []
    named = next((word for word in words if "python" in os.path.basename(word)), "python3")  # or platform-python
    return named if named.startswith("/") else find(named) or "python3"


def _supportconfig() -> str:
    if not os.path.isdir(SUPPORTCONFIG):
        raise SosmlxError(
            f"there is no supportconfig on this host ({SUPPORTCONFIG} is missing)",
            "install supportutils first, or name the folder of its plugins with -o DIR",
        )
    return SUPPORTCONFIG


def _check(target: str) -> None:
    """Refuse to replace a file that is none of ours. Raises SosmlxError."""
    try:
        with open(target, "rb") as file:
            ours = _MARK in file.read(4096)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SosmlxError(f"{target}: {error.strerror or error}", "is the folder there, and are you root?") from None
    if not ours or os.path.islink(target):
        raise SosmlxError(f"{target}: is there already, and is not ours", "move it away first")


def _replace(target: str, data: bytes, mode: int) -> None:
    """Write a file under another name and then give it its own: sos never sees half of it. Raises SosmlxError."""
    partial = f"{target}.{os.urandom(4).hex()}.partial"
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, mode)
                file.write(data)
                file.flush()
                os.fsync(handle)
            os.replace(partial, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
    except OSError as error:
        raise SosmlxError(f"{target}: {error.strerror or error}", "is the folder there, and are you root?") from None


def _program() -> str:
    """Return the program that this run is: the script or file that was started, or the one beside its Python."""
    beside = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "sosmlx")
    for path in (os.path.abspath(sys.argv[0]), beside):
        if os.path.basename(path).startswith("sosmlx") and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return ""
