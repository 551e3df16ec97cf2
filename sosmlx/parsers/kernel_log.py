"""The kernel log as dmesg, the journal and syslog print it: each message is evidence, tagged by what it says.

Formats: util-linux `dmesg.c` (`--time-format`, `-x`, `-r`, `-J`), systemd's `journalctl -o` (short forms, `cat`, JSON),
RFC 3164 and 3339 time stamps of syslog daemons, and pstore. Lines that a mailer wrapped are joined to their message.
Only what the kernel itself logged is tagged: anybody may write a line to the log.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

from sosmlx.jsonio import tool_json
from sosmlx.model import HOST, Evidence, Item, Record, Unparsed
from sosmlx.parsers import kernel_tags, shell
from sosmlx.parsers.spec import BDF, ELIDED, Parser, heading

_DELTA = r"(?:\s*<\s*\d+\.\d+>)?"
_DAY = r"[A-Z][a-z]{2}"
_TIME = r"\d\d:\d\d:\d\d"
_RING = (
    rf"\[\s*\d+\.\d{{6}}{_DELTA}\](?:\[\s*[TC]\d+\])?"
    rf"|\[{_DAY} {_DAY} [ \d]\d {_TIME} \d{{4}}{_DELTA}\]"
    rf"|\[{_DAY}\d\d \d\d:\d\d\]|\[ *\+\d+\.\d{{6}}\]|\[<\s*\d+\.\d{{6}}>\]"
    rf"|\d{{4}}-\d\d-\d\dT{_TIME},\d{{6}}[+-]\d\d:\d\d{_DELTA}"
)
"""Time stamps that dmesg prints: since boot, `-T`, `reltime`, `delta`, `iso`."""

_SYSLOG = (
    rf"{_DAY} [ \d]\d {_TIME}(?:\.\d{{1,6}})?"
    rf"|\d{{4}}-\d\d-\d\dT{_TIME}(?:\.\d{{1,9}})?(?:Z|[+-]\d\d:?\d\d)"
    rf"|(?:{_DAY} )?\d{{4}}-\d\d-\d\d {_TIME}(?:\.\d{{1,6}})?(?: [A-Z+-][A-Z\d:]{{1,5}})?"
    r"|\d{10}\.\d{6}"
)
"""Time stamps of the journal and of syslog daemons, behind which a host and a program are named."""

_KERNEL = r"(?:\S{0,254}[^\s:] ){0,2}kernel(?:\[n/a\])?: ?"
_PROGRAM = re.compile(r"(?:systemd|\S{1,255} [\w./@-]{1,64})\[\d+\]: ")
"""How a program's own line begins: behind its host in the journal, or where systemd writes into the kernel's buffer."""

_GREP = r"(?:[\w./-]{1,120}:)?(?:\d{1,7}[:-])?"
_STAMP = re.compile(
    rf"(?:{_GREP}(?=[\[<\dA-Z]))?\s*(?:(?P<facility>[a-z]+\d?) *:\w+ *: ?)?(?:<(?P<pri>\d{{1,4}})>)?"
    rf"(?:(?:{_RING}) ?(?P<ring>{_KERNEL})?|(?P<syslog>{_SYSLOG}) (?P<kernel>{_KERNEL}(?:\[\s*\d+\.\d{{6}}\] ?)?)?)"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STRUCTURE = re.compile(r"\s*(?:\w+#\d+ Part\d+|-- .{1,200} --)\s*\Z")
_BARE = re.compile(
    r"(?:<?mlx[45]\w*>?|mlx_compat|mlxfw|mst_\w+|fwctl|pci|pcieport|vfio-pci) (?:[\da-f]{4,8}:[\da-f]{2}:|\w+: )"
    r"|(?:mlx\w+|mst_\w+): |Lockdown: |DMAR: |AMD-Vi: |\w+: loading out-of-tree module|\w+: module verification failed"
)
"""How messages of the sources that matter here begin, where nothing else tells a message from a wrapped line."""

_ANY_SOURCE = re.compile(r"[\w.-]{1,40}(?:\[\d+\])?(?: [\w.:@-]{1,40}){0,2}: ")
_KERN = 8
"""Priorities below this have facility 0, the kernel (syslog(3)); user space may write any other to the buffer."""

_LONGEST = 4096
"""How much of a message is looked at."""

_PADDING = 6
"""How far dmesg and the journal indent the further lines of a message at least: to the width of the time stamp."""

_NARROWEST, _WIDEST = 60, 80
"""A mailer breaks a line where the next word would pass its right edge, which is somewhere between these columns."""

_FRAME = re.compile(r"\A\s*\x1e?\s*(?:data: )?")
"""What stands before an entry in the streams of RFC 7464 and of server-sent events."""

JOURNAL = re.compile(r'"__(?:REALTIME|MONOTONIC)_TIMESTAMP"\s*:')
"""A member of every entry that the journal prints as JSON."""


class _Message(NamedTuple):
    """One message: its lines, its text without time stamp, and whether the kernel wrote it."""

    lines: list[str]
    text: list[str]
    trusted: bool = True
    stamped: bool = False


def log(text: str, record: Record) -> Iterator[Item]:
    """Read a kernel log in any style; see `kernel_tags` for what is told apart."""
    blocks = kernel_tags.HealthBlocks()
    if re.match(r"\s*(?:\x1e|data: )?\{|\s*\[\s*\{", text):
        yield from _json(text, blocks)
    else:
        current: _Message | None = None
        for line in text.split("\n"):
            current = yield from _line(line, current, blocks)
        yield from _tagged(current, blocks)
    yield from blocks.close()


def _line(
    line: str, current: _Message | None, blocks: kernel_tags.HealthBlocks
) -> Generator[Item, None, _Message | None]:
    """Take a line: it begins a message, continues the current one, or stands for itself; return what is still open."""
    if not line.strip() or _STRUCTURE.match(line) or shell.is_command(line) or shell.is_elision(line):
        yield from _tagged(current, blocks)
        if shell.is_elision(line):
            yield Evidence(ELIDED, HOST, line.strip())
        elif line.strip():
            yield heading(HOST, line)
        return None
    begun = _begins(line, current)
    if begun is None and current is not None:
        current.lines.append(line.strip())
        current.text.append(line.strip())
        return current
    yield from _tagged(current, blocks)
    return begun


def _begins(line: str, current: _Message | None) -> _Message | None:
    """Return the message that a line begins, or None where it continues the current one."""
    bare = _COLOUR.sub("", line) if "\x1b" in line else line
    stamp = _STAMP.match(bare)
    if stamp:
        words = bare[stamp.end() :].strip()
        trusted = bool(stamp["kernel"]) if stamp["syslog"] else bool(stamp["ring"]) or not _PROGRAM.match(words)
        trusted = trusted and (stamp["facility"] or "kern") == "kern" and int(stamp["pri"] or 0) < _KERN
        return _Message([line.rstrip()], [words], trusted, True)
    words = bare.strip()
    if current and not _BARE.match(words) and _continues(bare, words, current):
        return None
    return _Message([line.rstrip()], [words])


def _continues(bare: str, words: str, current: _Message) -> bool:
    """Whether a line without a time stamp is the rest of the message before it."""
    before = current.lines[-1]
    if _indent(bare) >= _indent(current.lines[0]) + _PADDING or before.endswith(":"):
        return True
    if not current.stamped and (_ANY_SOURCE.match(words) or _ends(before, words)):
        return False
    fits = len(before) + 1 + len(words.partition(" ")[0])
    return fits >= _NARROWEST and len(before) <= _WIDEST


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _ends(before: str, words: str) -> bool:
    """Whether a line without a time stamp looks like a whole message, and the next one like the begin of another."""
    return words[:1].isupper() and not before.endswith((",", "(")) and before.count("(") <= before.count(")")


def _tagged(message: _Message | None, blocks: kernel_tags.HealthBlocks) -> Iterator[Evidence]:
    if message is not None:
        yield from _evidence(" ".join(message.lines), " ".join(message.text), message.trusted, blocks)


def _evidence(
    whole: str, text: str, trusted: bool, blocks: kernel_tags.HealthBlocks, device: str = ""
) -> Iterator[Evidence]:
    """Tag a message; `whole` is what is kept of it, `text` what the kernel said, `device` whom the journal names."""
    if not trusted:
        yield Evidence("log.userspace", HOST, whole)
        return
    text = text[:_LONGEST]
    found = kernel_tags.tag(text)
    address = BDF.search(text) or BDF.search(device)
    subject = address[0].lower() if address else HOST
    yield Evidence(found.kind, subject, whole, found.severity)
    if found.kind == "log.health-block":
        yield from blocks.add(subject, text)


def _json(text: str, blocks: kernel_tags.HealthBlocks) -> Iterator[Item]:
    """Read `journalctl -o json` (an entry a line), `json-pretty`, `json-sse`, `json-seq`, and `dmesg -J`."""
    try:
        document, _ = tool_json(text)
    except ValueError:
        yield from _stream(text, blocks)
        return
    ring = document.get("dmesg") if isinstance(document, dict) else None
    for entry in ring if isinstance(ring, list) else document if isinstance(document, list) else [document]:
        if isinstance(entry, dict):
            yield from _entry(entry, " ".join(f"{name}={value}" for name, value in entry.items()), blocks)
        else:
            yield Unparsed(0, str(entry))


def _stream(text: str, blocks: kernel_tags.HealthBlocks) -> Iterator[Item]:
    """Read entries one after the other; one that was cut off is kept as lines that are not understood."""
    waiting: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        bare = _FRAME.sub("", line).strip()
        if bare == "{":
            yield from (Unparsed(*row) for row in waiting)
            waiting = [(number, line)]
        elif waiting:
            waiting.append((number, line))
            if line.rstrip(", ") == "}":
                yield from _whole(waiting, blocks)
                waiting = []
        elif line.strip():
            yield from _whole([(number, line)], blocks)
    yield from (Unparsed(*row) for row in waiting)


def _whole(rows: list[tuple[int, str]], blocks: kernel_tags.HealthBlocks) -> Iterator[Item]:
    """Read the lines of one entry."""
    try:
        entry, _ = tool_json(_FRAME.sub("", "\n".join(row for _, row in rows)).rstrip(", "))
    except ValueError:
        entry = None
    if isinstance(entry, dict):
        yield from _entry(entry, " ".join(row.strip() for _, row in rows), blocks)
    else:
        yield from (Unparsed(*row) for row in rows)


def _entry(entry: dict[str, object], raw: str, blocks: kernel_tags.HealthBlocks) -> Iterator[Item]:
    """Read one entry: its message is evidence; all else that it holds is kept beside it."""
    message = entry.get("MESSAGE", entry.get("msg"))
    if isinstance(message, list) and all(isinstance(item, int) and 0 <= item < 256 for item in message):
        message = bytes(message).decode("utf-8", "replace")  # the journal's form of what is no UTF-8
    if isinstance(message, str) and message.strip():
        text = " ".join(message.split())
        program = entry.get("SYSLOG_IDENTIFIER", "kernel" if "_TRANSPORT" not in entry else "")
        priority = entry.get("pri")
        trusted = entry.get("_TRANSPORT", program) == "kernel" and entry.get("fac", "kern") == "kern"
        trusted = trusted and not (isinstance(priority, int) and priority >= _KERN)
        whole = f"{_since_boot(entry)}{text}" if trusted or "pri" in entry else f"{program}: {text}"
        yield from _evidence(whole, text, trusted, blocks, str(entry.get("_KERNEL_DEVICE", "")))
    yield heading(HOST, raw)


def _since_boot(entry: dict[str, object]) -> str:
    """Give the time stamp as dmesg prints it, where the entry has it (in microseconds, or as dmesg's own number)."""
    if "time" in entry:
        return f"[{entry['time']}] "
    stamp = str(entry.get("_SOURCE_MONOTONIC_TIMESTAMP", ""))
    return f"[{int(stamp) / 1e6:12.6f}] " if re.fullmatch(r"[0-9]{1,15}", stamp) else ""


TABLE = (
    Parser(
        "kernel.log",
        log,
        ("kernel",),
        re.compile(
            rf"^(?:\x1b\[[0-9;]*m)?(?:{_GREP}(?=[\[<\dA-Z]))?[ \t]*(?:[a-z]+\d? *:\w+ *: ?)?(?:<\d{{1,4}}>)?"
            rf"(?:(?:{_RING}) ?\S|(?:{_SYSLOG}) {_KERNEL}\S)"
            r"|^[ \t]*(?:<?mlx[45]_\w+>? [\da-f]{4,8}:[\da-f]{2}:[01][\da-f]\.[0-7](?: [\w@.-]+)?: "
            r"|mlx[45]_\w+: (?:probe of |Mellanox |Initializing |loading |module verification )"
            r"|fwctl fwctl\d+: |Lockdown: \S+: |DMAR: |AMD-Vi: Event "
            r"|\w+: (?:loading out-of-tree module taints|module verification failed: signature))"
            rf"|{JOURNAL.pattern}",
            re.MULTILINE,
        ),
        members=("dmesg", "__REALTIME_TIMESTAMP", "[]/__REALTIME_TIMESTAMP"),
        identity=True,
    ),
)
