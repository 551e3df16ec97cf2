"""Run every declared command that can be asked about one netdev, or about the host, and tell what became of it."""

from __future__ import annotations

import json
import sys

from sosmlx.collectors import COLLECTORS, selected
from sosmlx.collectors.plan import plan
from sosmlx.collectors.spec import Command
from sosmlx.errors import ParseError
from sosmlx.model import Unparsed
from sosmlx.normalise import parse
from sosmlx.record import Answer, Record
from sosmlx.sources.live import LiveSource


def main(netdev: str) -> list[dict[str, object]]:
    """List argv, outcome, reason and what was not understood of each command."""
    source = LiveSource()
    options = [row.option for row in COLLECTORS if row.option]
    found: list[dict[str, object]] = []
    for row in plan(selected("full", options=options)):
        read = row.read
        if not isinstance(read, Command):
            continue
        argv = tuple(word.replace("{netdev}", netdev) for word in read.argv)
        if any("{" in word for word in argv):
            continue
        subject = read.subject.replace("{bdf}", "0000:3b:00.0").replace("{netdev}", netdev)
        answer = source.run(argv, read.deadline)
        found.append({
            "argv": argv, "outcome": answer.outcome.value, "reason": answer.reason,
            "trouble": _trouble(Record("1", read.kind, row.collector, subject, answer, argv)),
        })  # fmt: skip
    source.close()
    return found


def _trouble(record: Record) -> list[str]:
    """List what a parser does not understand of an answer that came."""
    if not record.has_bytes or record.answer == Answer():
        return []
    try:
        return [item.text for item in parse(record, pasted=False) if isinstance(item, Unparsed)][:5]
    except ParseError as error:
        return [f"refused: {error.message}"]


if __name__ == "__main__":
    json.dump(main(sys.argv[1]), sys.stdout)
