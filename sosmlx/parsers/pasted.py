"""What the command line in a pasted text says about the output after it: which tool, which device, which options."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sosmlx.model import Evidence, Fact, Item
from sosmlx.parsers import pairs, shell
from sosmlx.parsers.spec import BDF, ELIDED
from sosmlx.record import HOST, Record

_PROMPT_ENDS = "#$%>+;|&"
_FIRST_WORDS = 12
_RDMA = re.compile(r"(?:mlx[45]_|roce|ibp)\w+\Z")

UNNAMED = "device-1"
"""The device of a text that does not name one."""


def asked(line: str, tools: Sequence[str]) -> list[str] | None:
    """Return the options of a command line of one of these tools, or None for any other line.

    >>> asked("[root@n1 ~]# sudo mlxlink -d mlx5_0 -m", ("mlxlink",))
    ['-d', 'mlx5_0', '-m']
    >>> asked("mlxlink is a tool", ("mstlink",)) is None
    True
    """
    words = line.split()
    for at, word in enumerate(words[:_FIRST_WORDS]):
        if word.rpartition("/")[2] in tools:
            prompted = at == 0 or words[at - 1][-1] in _PROMPT_ENDS or "sudo" in words[:at]
            return words[at + 1 :] if prompted else None
    return None


def option(words: Sequence[str], *names: str) -> str:
    """Return the value of an option, given as the next word or after `=`; empty where it is not there.

    >>> option(["--get", "--reg_name=PAOS"], "--reg_name"), option(["-d", "mlx5_0"], "-d"), option(["-d"], "-d")
    ('PAOS', 'mlx5_0', '')
    """
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return (value if equals else "".join(words[at + 1 : at + 2])).strip("\"'")
    return ""


def device_of(record: Record, words: Sequence[str], *names: str, otherwise: str = UNNAMED) -> str:
    """Name the device that a text is about: by its read, else by the option that names it, else by `otherwise`."""
    if record.subject != HOST:
        return record.subject
    named = option(words, *names)
    return named.lower() if BDF.fullmatch(named) else named or otherwise


def device_facts(device: str) -> Iterator[Fact]:
    """Say what the name of a device tells: its PCI address, or the name of its RDMA device."""
    if BDF.fullmatch(device):
        yield Fact(device, "bdf", device)
    elif _RDMA.match(device):
        yield Fact(device, "rdma", device)


def remark(number: int, line: str, device: str, messages: re.Pattern[str]) -> Item:
    """Tell what a line that is no row says: the tool's refusal, lines left out, a prompt, or nothing that we know."""
    if messages.search(line):
        return Evidence("tool.message", device, line.strip(), "medium")
    if shell.is_elision(line):
        return Evidence(ELIDED, device, f"rows were left out at line {number}: {line.strip()}")
    return pairs.remark(number, line, device)
