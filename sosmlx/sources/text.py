"""Texts that somebody pasted: one file, standard input, or a folder of outputs of one host."""

from __future__ import annotations

import os
import re

from sosmlx.errors import InputError
from sosmlx.jsonio import tool_json
from sosmlx.parsers import UNKNOWN
from sosmlx.parsers.recognise import JSON, recognise
from sosmlx.parsers.ticket import decode_paste
from sosmlx.record import Answer, Bundle, Record
from sosmlx.sources.split import split

MAX_TEXT = 64 << 20
MAX_FILES = 2000
MAX_DEPTH = 3
_PREFIX = 1 << 20
_OPENS = re.compile(rb"^[ \t>]*[{\[]", re.MULTILINE)
"""Where a JSON document may begin: its kind is seen only where it is whole."""

HINT = "`sosmlx list kinds` names the outputs that are known; --as KIND says which one this is"


def from_bytes(data: bytes, name: str, as_kind: str | None = None) -> Bundle:
    """Make a bundle of one text, which may hold several outputs one after the other.

    Raises InputError where it is empty, binary or no known tool's output.
    """
    if as_kind is not None:
        return Bundle("text", name, (_record(1, as_kind, data, name),))
    return Bundle("text", name, tuple(_records(data, name, 1)))


def from_file(path: str, as_kind: str | None = None) -> Bundle:
    """Make a bundle of one file, looking at a bounded prefix before reading all of it. Raises InputError."""
    try:
        with open(path, "rb") as file:
            data = file.read(_PREFIX)
            more = len(data) == _PREFIX
            if more and as_kind is None and not _OPENS.search(data):
                _kind(data, path)
            if more:
                data += file.read(MAX_TEXT - _PREFIX + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    if len(data) > MAX_TEXT:
        raise InputError(f"{path}: larger than {MAX_TEXT >> 20} MiB; no tool prints that much", "cut it to one output")
    return from_bytes(data, path, as_kind)


def from_folder(path: str) -> Bundle:
    """Make a bundle of the known outputs in a folder; files that are not recognised are kept as unknown lines.

    Raises InputError where nothing in the folder is known.
    """
    records: list[Record] = []
    faults: list[str] = []
    known = 0
    for name in _files(path):
        try:
            with open(os.path.join(path, name), "rb") as file:
                data = file.read(MAX_TEXT >> 3)
            found = _records(data, name, len(records) + 1)
            known += len(found)
        except InputError:
            found = [_record(len(records) + 1, UNKNOWN, data[:_PREFIX], name)] if data.strip() else []
        except OSError as error:
            faults.append(f"{name}: {error.strerror or error}")
            found = []
        records += found
    if not known:
        raise InputError(f"{path}: nothing in this folder is a bundle or a known tool's output", HINT)
    return Bundle("folder", path, tuple(records), faults=tuple(faults))


def _files(path: str) -> list[str]:
    found: list[str] = []
    for here, folders, files in os.walk(path, followlinks=False):
        depth = os.path.relpath(here, path).count("/")
        folders[:] = sorted(folders) if depth < MAX_DEPTH else []
        names = [os.path.join(here, name) for name in sorted(files)]
        found += [os.path.relpath(name, path) for name in names if os.path.isfile(name) and not os.path.islink(name)]
        if len(found) > MAX_FILES:
            raise InputError(f"{path}: more than {MAX_FILES} files; name the folder of one host's texts")
    return sorted(found)


def _records(data: bytes, name: str, first: int) -> list[Record]:
    """Make a record of each output in a text. Raises InputError where there is none."""
    parts = split(decode_paste(data, name), os.path.basename(name))
    if len(parts) < 2 or not any(part.kind for part in parts):
        return [_record(first, _kind(data, name), data, name)]
    return [
        _record(number, part.kind or UNKNOWN, part.text.encode("utf-8", "surrogatepass"), name)
        for number, part in enumerate(parts, first)
        if part.text.strip()
    ]


def _record(number: int, kind: str, data: bytes, name: str) -> Record:
    return Record(f"{number:05d}", kind, "text", "host", Answer(data), path=name, channel="text")


def _kind(data: bytes, name: str) -> str:
    """Recognise a text, or say in words what it is instead. Raises InputError."""
    if not data.strip():
        raise InputError(f"{name}: empty")
    text = decode_paste(data, name)
    kind = recognise(text, os.path.basename(name))
    if kind is not None:
        return kind
    what, hint = _what(text)
    raise InputError(f"{name}: {what}", hint)


def _what(text: str) -> tuple[str, str]:
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype", "<html", "<?xml")):
        return "a web page, not a text of a tool", "save the output itself, not the page that shows it"
    if JSON.match(start):
        try:
            tool_json(text)
        except ValueError as error:
            return f"starts like JSON but is none ({error}); was it cut off?", "copy the whole output"
        return "JSON, but of no known tool", HINT
    return "not recognised as the output of a known tool", HINT
