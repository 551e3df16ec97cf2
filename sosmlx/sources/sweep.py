"""Many small files as one read: a pattern of paths, and a line for each file that was there.

A pattern is a path in which `{a,b}` stands for each of its words (none within another) and `*` for the names of a
folder. A line is `NAME = VALUE`, or `NAME ! OUTCOME: REASON` where a file gave nothing; a value of several lines has a
line for each. The name is the path behind what all files have in common. A file that is not there has no line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Callable

from sosmlx.record import Answer, Outcome
from sosmlx.sources.base import FILE_CAP, How, capped

Reader = Callable[[str, How], Answer]

MOST = 4096
"""So many files one sweep reads."""

_WORDS = re.compile(r"\{([^{}]*,[^{}]*)\}")
_WILD = re.compile(r"[*{]")


def sweep(pattern: str, read: Reader, how: How = "bytes") -> Answer:
    r"""Read every file that a pattern names, in one way.

    >>> sweep("/x/{a,b}", lambda path, how: Answer(f"{path[3:]}1".encode())).data
    b'a = a1\nb = b1\n'
    """
    common = _WILD.split(pattern, maxsplit=1)[0].rpartition("/")[0] + "/"
    lines: list[bytes] = []
    failed: Answer | None = None
    good = 0
    for number, path in enumerate(path for word in _spelled(pattern) for path in _matching(word, read)):
        if number == MOST:
            return Answer(b"".join(lines), Outcome.TRUNCATED, f"more than {MOST} files")
        answer = read(path, how)
        name = path[len(common) :].encode()
        if answer.outcome is Outcome.ABSENT:
            continue
        if answer.outcome in (Outcome.COLLECTED, Outcome.TRUNCATED):
            good += 1
            rows = answer.data.rstrip(b"\n").split(b"\n")
            lines += [b"%s = %s\n" % (name, row.replace(b"\0", b" ").strip()) for row in rows]
        else:
            if answer.outcome is not Outcome.UNSUPPORTED or failed is None:
                failed = answer if failed is None or failed.outcome is Outcome.UNSUPPORTED else failed
            lines.append(b"%s ! %s: %s\n" % (name, answer.outcome.value.encode(), answer.reason.encode()))
    if failed is not None and not good:
        return Answer(b"".join(lines), failed.outcome, failed.reason)
    if not lines:
        return Answer(outcome=Outcome.ABSENT, reason="ENOENT: none of these files is there")
    if failed is not None and failed.outcome is not Outcome.UNSUPPORTED:
        return Answer(b"".join(lines)[:FILE_CAP], Outcome.TRUNCATED, f"not all of these files: {failed.reason}")
    return capped(b"".join(lines), FILE_CAP)


def _spelled(pattern: str) -> Iterator[str]:
    """Spell out the words in braces, in their order."""
    found = _WORDS.search(pattern)
    if found is None:
        yield pattern
        return
    for word in found[1].split(","):
        yield from _spelled(pattern[: found.start()] + word + pattern[found.end() :])


def _matching(path: str, read: Reader) -> Iterator[str]:
    """Find the paths that a path with `*` stands for; names of one length come in order, so that 2 is before 10."""
    before, star, after = path.partition("*")
    if not star:
        yield path
        return
    folder, _, begin = before.rpartition("/")
    end, slash, rest = after.partition("/")
    names = read(folder, "names")
    shape = f"{begin}*{end}"
    listed = names.data.decode("utf-8", "replace").split("\n") if names.outcome is Outcome.COLLECTED else []
    for name in sorted(listed, key=lambda name: (len(name), name)):
        if name and fnmatchcase(name, shape):
            yield from _matching(f"{folder}/{name}{slash}{rest}", read)
