"""Fixture pairs: `fixtures/text/KIND/NAME.txt` and what its parser must yield. `make fixtures` writes the second."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from sosmlx.errors import ParseError
from sosmlx.model import Evidence, Facet, Fact, Item, Setting
from sosmlx.parsers import PARSERS
from sosmlx.parsers.account import unheld
from sosmlx.parsers.ticket import decode_paste
from sosmlx.record import HOST, Answer, Record

TEXTS = Path(__file__).parents[1] / "fixtures" / "text"
BDF = "0000:3b:00.0"

# Kinds whose parser needs to know what was read: subject, and the path that ends in the fixture's name.
READS: dict[str, tuple[str, str]] = {
    "pci.attribute": (BDF, f"/sys/bus/pci/devices/{BDF}/"),
    "pci.link": (BDF, f"/sys/bus/pci/devices/{BDF}/"),
    "pci.netdevs": (BDF, f"/sys/bus/pci/devices/{BDF}/"),
    "pci.rdma": (BDF, f"/sys/bus/pci/devices/{BDF}/"),
    "pci.entries": (BDF, "/sys/bus/pci/devices/"),
    "net.attribute": (f"{BDF}/enp59s0np0", "/sys/class/net/enp59s0np0/"),
    "rdma.attribute": (f"{BDF}/mlx5_0", "/sys/class/infiniband/mlx5_0/ports/1/"),
    "rdma.ports": (f"{BDF}/mlx5_0", "/sys/class/infiniband/mlx5_0/"),
    "hwmon.attribute": (BDF, "/sys/class/hwmon/hwmon3/"),
    "net.bond": (HOST, "/proc/net/bonding/"),
    "pci.path": (BDF, "/sys/bus/pci/devices/"),
    "pci.config": (BDF, "/sys/bus/pci/devices/"),
    "fwctl.device": ("host/fwctl0", "/sys/class/fwctl/fwctl0/"),
    "module.attribute": (HOST, "/sys/module/mlx5_core/"),
    "kernel.line": (HOST, "/proc/sys/kernel/"),
}


def record(kind: str, name: str) -> Record:
    """Make the read that a fixture stands for; its bytes are handed to the parser as text."""
    subject, folder = READS.get(kind, (HOST, ""))
    argv = (name, "--version") if kind == "tool.version" else ()
    return Record("1", kind, "fixture", subject, Answer(), argv, folder + name if not argv else "")


def cases() -> list[tuple[str, str]]:
    """List (kind, name) of every fixture pair."""
    return sorted((path.parent.name, path.stem) for path in TEXTS.glob("*/*.txt"))


def text(kind: str, name: str) -> str:
    """Read a fixture's input as a pasted text."""
    path = TEXTS / kind / f"{name}.txt"
    return decode_paste(path.read_bytes(), path.name)


def parsed(kind: str, name: str) -> str:
    """Render what the parser yields for a fixture, one item a line."""
    try:
        items = list(PARSERS[kind].parse(text(kind, name), record(kind, name)))
    except ParseError as error:
        return json.dumps([["refused", error.message]]) + "\n"
    return render(items)


def render(items: Iterable[Item]) -> str:
    """Render items as a JSON list with one item a line."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in map(_row, items)) + "\n]\n"


def _row(item: Item) -> list[object]:
    if isinstance(item, Setting):
        facets = {name: _facet(facet) for name, facet in item.facets}
        return ["setting", item.device, item.plane, item.name, item.cmode, item.cls, facets]
    if isinstance(item, Fact):
        return ["fact", *item]
    if isinstance(item, Evidence):
        return ["evidence", item.kind, item.subject, item.text, item.severity]
    return ["unparsed", item.line, item.text]


def _facet(facet: Facet) -> dict[str, object]:
    return {name: value for name, value in facet._asdict().items() if value or name in ("value", "raw")}


def lines_lost(source: str, items: Iterable[Item]) -> list[str]:
    """List the lines of a text (of a JSON document: its values) that no item holds."""
    return [line for _, line in unheld(source, items)]


def main() -> None:
    """Regenerate every expected file."""
    for kind, name in cases():
        (TEXTS / kind / f"{name}.expected.json").write_text(parsed(kind, name), encoding="utf-8")


if __name__ == "__main__":
    main()
