"""A SOURCE as the user wrote it, opened: there is one route, and everything on it is a bundle."""

from __future__ import annotations

import os
import stat
import sys
from typing import BinaryIO

from sosmlx.bundle import sosreport
from sosmlx.bundle.encrypted import refuse_encrypted
from sosmlx.bundle.members import is_archive
from sosmlx.bundle.read import read_bundle
from sosmlx.errors import InputError, UsageError
from sosmlx.record import Bundle, Record, maker
from sosmlx.sources.base import Source

_TREES = ("proc", "sys")
_STREAM_CAP = 64 << 20


def open_source(spec: str, as_kind: str | None = None) -> Bundle:
    """Open a SOURCE: `live:`, `sim:SCENARIO`, a bundle, a copied tree, a text, a folder of texts, or `-`.

    Raises InputError, saying what the thing is instead.
    """
    if spec == "live:" or spec.startswith("sim:"):
        return _collected(source(spec))
    if spec == "-":
        from sosmlx.sources.text import from_bytes

        if sys.stdin is None:
            raise InputError("standard input: closed")
        return from_bytes(_bounded(sys.stdin.buffer, "standard input"), "standard input", as_kind)
    if os.path.isdir(spec):
        return _folder(spec)
    return _file(spec, as_kind)


def source(spec: str, root: str = "") -> Source:
    """Make the live or simulated host that a spec names; of the live one, with `root`, the files below that folder.

    Raises UsageError, InputError.
    """
    if root:
        from sosmlx.sources.tree import NOTHING_RUN, TreeSource

        if spec != "live:":
            raise UsageError(f"--root {root}: not for {spec}", "a simulated host has no root of its own")
        if not os.path.isdir(root):
            raise UsageError(
                f"--root {root}: no such folder", "name the folder below which the host's /sys and /proc are"
            )
        return TreeSource(root, NOTHING_RUN)
    if spec == "live:":
        from sosmlx.sources.live import LiveSource

        return LiveSource()
    if spec.startswith("sim:"):
        from sosmlx.simulator.host import ScenarioSource, load

        name = spec[len("sim:") :]
        return ScenarioSource(load(name), name)
    raise UsageError(f"{spec}: not a host to collect from", "use live: or sim:SCENARIO")


def _collected(host: Source) -> Bundle:
    """Collect to memory and read that: no second route for hosts that are at hand."""
    from sosmlx.collectors import selected  # what opens a bundle declares no reads
    from sosmlx.collectors.engine import Engine

    engine = Engine(host)
    records = engine.collect(selected())
    return Bundle(
        kind=host.kind, path=host.path, records=tuple(records), host=hostname(records),
        collected=records[0].start if records else "", maker=maker(host_euid(host)),
    )  # fmt: skip


def host_euid(host: Source) -> int:
    """Return as whom we read a host: our effective user id on this one, -1 for any other."""
    return os.geteuid() if host.kind == "live" and hasattr(os, "geteuid") else -1


def hostname(records: list[Record]) -> str:
    """Take the host's name from the record that holds it."""
    found = [record.data for record in records if record.path == "/proc/sys/kernel/hostname"]
    return found[0].decode("utf-8", "replace").strip() if found else ""


def _folder(path: str) -> Bundle:
    names = _listed(path)
    if ("version.txt" in names and "sosmlx" in names) or sosreport.root(path):
        return read_bundle(path)
    if sosreport.is_folder(names):
        _listed(os.path.join(path, "sos_commands"))
        raise sosreport.nothing(path)
    if names & set(_TREES) and all(os.path.isdir(os.path.join(path, name)) for name in names & set(_TREES)):
        from sosmlx.sources.tree import TreeSource

        return _collected(TreeSource(path))
    from sosmlx.sources.sysfs import from_tree
    from sosmlx.sources.text import from_folder

    return from_tree(path) or from_folder(path)


def _listed(path: str) -> set[str]:
    """Return the names in a folder. Raises InputError where it cannot be read: it may hold anything."""
    try:
        return set(os.listdir(path))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "read it as its owner, or as root") from None


def _file(path: str, as_kind: str | None) -> Bundle:
    from sosmlx.sources.text import from_bytes, from_file

    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # a pipe, as `<(command)` gives: read it once
                return from_bytes(_bounded(file, path), path, as_kind)
            head = file.read(512)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    refuse_encrypted(path, head)
    return read_bundle(path) if is_archive(head) else from_file(path, as_kind)


def _bounded(file: BinaryIO, what: str) -> bytes:
    data = file.read(_STREAM_CAP + 1)
    if len(data) > _STREAM_CAP:
        raise InputError(f"{what}: more than {_STREAM_CAP >> 20} MiB", "save it to a file and cut it")
    return data
