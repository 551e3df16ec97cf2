"""How long sixteen adapters take whose tools take their time: beside each other, against one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from sosmlx.collectors.engine import Engine
from sosmlx.collectors.spec import Collector, Command
from sosmlx.record import Answer, Outcome
from sosmlx.sources import run as program
from sosmlx.sources.live import LiveSource

DEVICES = 16
TOOLS = ("devlink", "ethtool")
SECONDS = 0.3


class _SlowTools(LiveSource):
    """This host with tools of our own in the place of its tools: processes that take so long."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._search = (str(folder),)
        for name in TOOLS:
            tool = folder / name
            tool.write_text(f"#!/bin/sh\nexec sleep {SECONDS}\n", encoding="utf-8")
            tool.chmod(0o700)

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        """Run one of the tools."""
        return program.run(argv, deadline, search=self._search, refusal=lambda words: "")


def devices_beside_each_other(wall: Callable[[Callable[[], object], int], float]) -> None:
    """Read sixteen adapters with the engine, and run the same commands one after the other; `wall` takes the time."""
    reads = [
        Command("bench.tool", (name, "show", f"dev{number}"), f"0000:{number:02x}:00.0", channel=name)
        for number in range(DEVICES)
        for name in TOOLS
    ]
    with tempfile.TemporaryDirectory() as folder:
        source = _SlowTools(Path(folder))

        def beside() -> None:
            records = Engine(source).collect([Collector("bench", "", tuple(reads))])
            assert {record.outcome for record in records} == {Outcome.COLLECTED}

        def after() -> None:
            for read in reads:
                source.run(read.argv, read.deadline)

        ours, theirs = wall(beside, 2), wall(after, 1)
    print(
        f"collect {DEVICES} devices, {len(TOOLS)} tools of {SECONDS} s each: {ours:.2f} s, one after the other "
        f"{theirs:.2f} s, ratio {ours / theirs:.2f} (must be at most 0.25)"
    )
