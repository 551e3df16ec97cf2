"""What the vendor's tools have in common: absent values, messages, addresses, and the command line above a paste.

Messages begin with `-E-`, `-W-` or `-I-` (mstflint's `reportErr` and its relatives); where a tool is not there, or may
not run, the shell and the loader speak instead.
"""

from __future__ import annotations

import re

from sosmlx.model import Evidence, Facet, Fact, Item, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.pasted import asked, option
from sosmlx.parsers.spec import BDF, heading
from sosmlx.record import HOST

MESSAGE = "tool.message"
"""Evidence kind: what a tool, or the shell in its place, said instead of or beside an answer."""

TOOLS: tuple[str, ...] = (
    "flint", "flint_ext", "flint_oem", "mdevices", "mdevices_info", "mlxburn", "mlxcables", "mlxconfig", "mlxfwmanager",
    "mlxfwreset", "mlxlink", "mlxreg", "mlxup", "mst", "mstconfig", "mstdevices_info", "mstflint", "mstfwmanager",
    "mstfwreset", "mstlink", "mstreg",
)  # fmt: skip
"""Programs whose command line may stand above their output."""

_ERRORS = (
    r"^[ \t]*-E-(?:[ \t]|$)",
    r"^[ \t]*FATAL - ",
    r"\bcommand not found\b",
    r"^[ \t]*Command '[^'\n]+' not found",
    r"^[ \t]*The program '[^'\n]+' is currently not installed",
    r"^[ \t]*-?(?:/\S*/)?(?:\w*sh|sudo|env|timeout|nice|nsenter|chroot|xargs): [^\n]*"
    r"(?:not found|No such file or directory|Permission denied|command not executable)",
    r"(?i:\bfail(?:ed)? to (?:open|identify|query|retrieve|get|read|access)[ :][^\n]{0,80}\bdevices?\b)",
    r"(?i:\bcannot open (?:the )?device\b)",
    r"(?i:\bno (?:mst |ib |infiniband )?devices?(?: were)? (?:found|detected|specified)\b)",
    r"(?i:\bdevice is not supported\b|\bunsupported device\b)",
    r"\bmst (?:might be stopped|driver is not loaded)|\brun 'mst start'",
    r"\bmst_pci(?:conf)? driver not found",
    r"^[ \t]*modprobe: (?:FATAL|ERROR): ",
    r": Operation not permitted[ \t]*$",
    r"(?i:\b(?:root|administrator) (?:permissions?|privileges?)(?: are| is)? (?:required|needed)\b)",
    r"(?i:\b(?:must|need to|should) (?:be|run as) root\b)",
    r"\bMFE_\w+",
    r"^[ \t]*Segmentation fault",
    r"^[ \t]*\w+: bad command line argument",
    r"^[ \t]*No data available[ \t]*$",
    r"^[ \t]*(?:Object|Command|Cmd|Option) \"[^\"\n]*\" (?:is unknown|not found|not known)",
    r"^[ \t]*(?:netlink error|(?:kernel|RTNETLINK|devlink) answers): ",
    r"^[ \t]*Cannot get [^\n]*: (?:Operation not supported|No such device|Operation not permitted)",
)
ERROR = re.compile("|".join(f"(?:{pattern})" for pattern in _ERRORS), re.MULTILINE)
"""Finds a line that says that a tool could not do its work."""

_HINT = re.compile(
    r"^\s*(?:sudo )?(?:apt(?:-get)?|dnf|yum|zypper|snap|apk)(?: -y)? install "
    r"|^\s*(?:You may need to run|Try(?::| running)|See '|Usage:|Note: )"
)
_LONGEST = 1024
_LEVELS = {"-E-": "medium", "-W-": "low", "-I-": "info", "-D-": "info"}
_SHELL = re.compile(r"(?:/\S*/)?-?\w*sh: ")
_ABSENT = ("n/a", "na", "--")
_BLANK_GUID = re.compile(r"(?:0+|[fF]+)\Z")
_HEX = re.compile(r"[0-9a-fA-F]+\Z")
_KEY = re.compile(r"[A-Za-z][\w ()/.-]{1,40}\Z")


def stated(raw: str) -> Facet:
    """Keep a text as it is, and tell where it only says that there is none.

    >>> stated("MT_0000000359").value, stated("NA").reason
    ('MT_0000000359', 'unsupported')
    """
    return Facet(None, raw, reason=values.UNSUPPORTED) if raw.lower() in _ABSENT else values.text(raw)


def counted(raw: str) -> Facet:
    """Type a number that may be absent."""
    return Facet(None, raw, reason=values.UNSUPPORTED) if raw.lower() in _ABSENT else values.number(raw)


def version(raw: str) -> Facet:
    """Type an option ROM's version: one tool pads its last part with zeros, the other does not.

    >>> version("14.28.0015").value, version("14.28.15").value
    ('14.28.15', '14.28.15')
    """
    facet = stated(raw)
    parts = raw.split(".")
    if facet.reason or len(parts) < 2 or not all(part.isdigit() for part in parts):
        return facet
    return Facet(".".join(part.lstrip("0") or "0" for part in parts), raw)


def mac(raw: str) -> Facet:
    """Type a base MAC; some firmware prints it in the sixteen digits of a GUID.

    >>> mac("00000c42a1f0e1d2").value
    '0c42a1f0e1d2'
    """
    padded = len(raw) == 16 and raw.startswith("0000") and _HEX.match(raw)
    return Facet(raw[4:], raw) if padded else stated(raw)


def asic(raw: str) -> str:
    """Spell a GUID as the kernel does (`0c42:a103:00f0:e1d2`); empty where it is none, or was never burnt."""
    if len(raw) != 16 or not _HEX.match(raw) or _BLANK_GUID.match(raw):
        return ""
    return ":".join(raw[at : at + 4] for at in range(0, 16, 4)).lower()


def key_value(line: str) -> tuple[str, str]:
    """Split `Key: value`; the key is empty where the line is no such row."""
    name, colon, value = line.partition(":")
    name = name.strip()
    return (name, value.strip()) if colon and _KEY.match(name) else ("", "")


def address(text: str) -> str:
    """Take the PCI address out of what a tool was told to open; any other name of a device stays as it is."""
    found = BDF.search(text)
    return found[0].lower() if found else text


def named(device: str) -> Fact:
    """State by which name a text calls its device."""
    return Fact(device, "bdf" if BDF.fullmatch(device) else "device", device)


def command(line: str) -> str | None:
    """Name the device of a command line that stands in a paste; empty where it names none, None for other lines.

    >>> command("[root@n07 ~]# mstflint -d 3B:00.0 q"), command("$ mst status -v"), command("mst: command not found")
    ('3b:00.0', '', None)
    """
    words = asked(line, TOOLS)
    return None if words is None else address(option(words, "-d", "--device", "-device", "--dev"))


def wraps(description: str, line: str) -> bool:
    """Whether a line may be the rest of a long description that a terminal or a mail program wrapped."""
    return 40 < len(description) < _LONGEST and isinstance(remark(0, line, ""), Unparsed) and bool(line.strip())


def missing(line: str) -> str:
    """Name the program that a shell did not find.

    >>> missing("bash: mlxlink: command not found"), missing("zsh: command not found: mst"), missing("-E- not found")
    ('mlxlink', 'mst', '')
    """
    before, found, after = line.strip().partition("not found")
    words = before[-100:].replace("'", " ").replace(":", " ").split()
    shell = found and ("command" in words or "Command" in words or _SHELL.match(before))
    if not shell:
        return ""
    named = after[1:].split()[:1] if after[:1] == ":" else [word for word in words if word != "command"][-1:]
    return named[0].rpartition("/")[2] if named else ""


def remark(number: int, line: str, device: str) -> Item:
    """Tell what a line that is no row says: a message, a command line, a hint, or nothing that we know."""
    words = line.strip()
    if ERROR.search(words):
        return Evidence(MESSAGE, _subject(words, device), words, "medium")
    if words[:3] in _LEVELS:
        return Evidence(MESSAGE, device, words, _LEVELS[words[:3]])
    if _HINT.match(words):
        return Evidence(MESSAGE, device, words)
    if command(line) is not None or not words.strip("-=_"):
        return heading(device, line)
    return Unparsed(number, line)


def _subject(message: str, device: str) -> str:
    """Tell whom a message is about: in a text of several devices it may name another than the one above it."""
    found = BDF.search(message)
    if found is None or device == HOST or found[0].lower() in device:
        return device
    return found[0].lower()
