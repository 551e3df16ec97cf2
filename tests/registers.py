"""Fixtures of firmware answers: `fixtures/register/NAME/CASE.hex` and what reading them together must yield.

A comment line says what was asked (`# MDSR type_of_token=0`, `# QUERY_LAG`, or `# fwctl.info`); the lines below it are
the whole answer in hexadecimal. A read that gave nothing has its outcome and reason behind a bar, and no bytes below
it: `# MDSR type_of_token=8 | unsupported: BAD_PARAM`. `python -m tests.registers` writes the expected files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sosmlx.fwctl.commands import QUERIES
from sosmlx.fwctl.registers import encode
from sosmlx.parsers import PARSERS
from sosmlx.parsers.spec import Together
from sosmlx.record import Access, Answer, Call, Outcome, Record
from tests import fixtures

FOLDER = Path(__file__).parents[1] / "fixtures" / "register"
BDF = "0000:3b:00.0"
NODE = "fwctl0"
HEADER = bytes(16)
"""What a mailbox answer begins with where the firmware did what it was asked."""


def cases(together: Together | None = None) -> list[tuple[str, str]]:
    """List (folder, case) of every fixture, or of those that one parser reads."""
    found = sorted((path.parent.name, path.stem) for path in FOLDER.glob("*/*.hex"))
    return [case for case in found if together in (None, parser(*case))]


def parser(folder: str, case: str) -> Together:
    """Find what reads the records of a fixture together."""
    together = PARSERS[records(folder, case)[0].kind].together
    assert together is not None
    return together


def kinds() -> set[str]:
    """Name the kinds of which a fixture holds an answer."""
    return {record.kind for case in cases() for record in records(*case) if record.has_bytes}


def records(folder: str, case: str) -> list[Record]:
    """Make the reads of one function that a fixture holds."""
    found: list[Record] = []
    for line in (FOLDER / folder / f"{case}.hex").read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            found.append(_read(str(len(found) + 1), line[1:]))
        elif line.strip():
            data = found[-1].data + bytes.fromhex(line)
            found[-1] = replace(found[-1], answer=replace(found[-1].answer, data=data))
    return found


def _read(number: str, line: str) -> Record:
    asked, _, ending = line.partition("|")
    name, *words = asked.split()
    outcome, _, reason = ending.strip().partition(": ")
    answer = Answer(outcome=Outcome(outcome or "collected"), reason=reason)
    if name == "nvconfig.catalogue":
        return Record(number, name, "fwctl", "host", answer, path="/usr/share/mlxconfig_host.db")
    if name == "fwctl.info":
        return Record(number, name, "fwctl", BDF, answer, path=f"/dev/fwctl/{NODE}", channel="fwctl")
    fields = tuple((field, int(value, 0)) for field, _, value in (word.partition("=") for word in words))
    if name in QUERIES:
        kind = f"mailbox.{name.lower()}"
        return Record(number, kind, "fwctl", BDF, answer, mailbox=Call(NODE, name, fields), channel="fwctl")
    return _register(number, name, fields, answer)


def _register(number: str, name: str, fields: tuple[tuple[str, int], ...], answer: Answer) -> Record:
    access = Access(NODE, name, fields)
    return Record(number, f"register.{name.lower()}", "fwctl", BDF, answer, register=access, channel="fwctl")


def told(name: str, asked: Mapping[str, int], said: Mapping[str, int | tuple[int, ...]]) -> Record:
    """Make a read of a register whose answer echoes what was asked and says the rest."""
    data = HEADER + encode(name, {**asked, **said})
    return _register(f"{name} {dict(asked)}", name, tuple(asked.items()), Answer(data))


def silent(name: str, asked: Mapping[str, int], outcome: Outcome, reason: str) -> Record:
    """Make a read of a register that gave nothing."""
    return _register(f"{name} {dict(asked)}", name, tuple(asked.items()), Answer(b"", outcome, reason))


def parsed(folder: str, case: str) -> str:
    """Render what the answers of a fixture yield, one item a line."""
    return fixtures.render(list(parser(folder, case)(records(folder, case))))


def main() -> None:
    """Regenerate every expected file."""
    for folder, case in cases():
        (FOLDER / folder / f"{case}.expected.json").write_text(parsed(folder, case), encoding="utf-8")


if __name__ == "__main__":
    main()
