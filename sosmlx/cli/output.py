"""Where results go: standard output in one format, files by their suffix; all of them or none."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Callable

from sosmlx.errors import SosmlxError, UsageError
from sosmlx.record import Bundle

Render = Callable[[], str]

SUFFIXES = {
    "html": "html", "json": "json", "jsonl": "jsonl", "csv": "csv", "md": "markdown", "sarif": "sarif", "xml": "junit",
}  # fmt: skip
"""Suffix of a file → format."""


def write(args: argparse.Namespace, renders: Mapping[str, Render], sources: Sequence[Bundle] = ()) -> None:
    """Write the files that were asked for, then stdout; what cannot be rendered fails before anything is written.

    `sources` is what the result was made of: what identifies in them is replaced where the user asks for that.
    """
    if args.redact:
        renders = _redacted(renders, args.key, sources)
    if getattr(args, "brief", False):
        renders = {**renders, "text": renders["brief"]}
    renders = {name: render for name, render in renders.items() if name != "brief"}
    kinds = {path: Path(path).suffix[1:] for path in args.outputs}
    for path, kind in kinds.items():
        if kind not in SUFFIXES:
            raise UsageError(f"-o {path}: no format for that suffix", f"known ones: {_known(renders)}")
        if SUFFIXES[kind] not in renders:
            words = f"-o {path}: there is no {SUFFIXES[kind]} of this result"
            raise UsageError(words, f"what there is: {_known(renders)}")
    if args.format not in renders:
        raise UsageError(f"--format {args.format}: not for this result", f"what there is: {', '.join(sorted(renders))}")
    files = {Path(path): renders[SUFFIXES[kind]]() for path, kind in kinds.items()}
    text = renders[args.format]()
    save(files)
    sys.stdout.write(text)
    sys.stdout.flush()


def _redacted(renders: Mapping[str, Render], key: str | None, sources: Sequence[Bundle]) -> Mapping[str, Render]:
    """Render what is left of a result's document after redaction: every format is made of that one."""
    from sosmlx.cli.redact import result_key
    from sosmlx.jsonio import dumps, loads
    from sosmlx.redact.document import redacted
    from sosmlx.report.formats import saved_formats
    from sosmlx.report.saved import read

    document = loads(renders["json"](), what="the result")
    if not isinstance(document, dict):
        raise SosmlxError("this result has no document to redact")
    return saved_formats(read(dumps(redacted(document, result_key(key), sources)), "the redacted result"))


def _known(renders: Mapping[str, Render]) -> str:
    return ", ".join(f".{suffix}" for suffix, form in SUFFIXES.items() if form in renders)


def save(texts: dict[Path, str]) -> None:
    """Write files, all or none: each is opened before the first is written. Raises SosmlxError."""
    new = [path for path in texts if not path.exists()]
    opened: list[FileIO] = []
    path = Path()
    try:
        for path in texts:
            opened.append(FileIO(path, "a"))  # noqa: PERF401 - those that are open are to be closed
        for path, handle in zip(texts, opened, strict=True):
            _replace(handle, texts[path].encode("utf-8", "backslashreplace"))
    except OSError as error:
        for made, _ in zip(texts, opened):
            if made in new:
                made.unlink(missing_ok=True)
        raise SosmlxError(f"{path}: {error.strerror or error}", "name another file with -o FILE") from None
    finally:
        for handle in opened:
            handle.close()


def _replace(handle: FileIO, data: bytes) -> None:
    if handle.seekable():
        handle.truncate(0)
    view = memoryview(data)
    while view:
        view = view[handle.write(view) or 0 :]
