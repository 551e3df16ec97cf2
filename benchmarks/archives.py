"""Two bundles of a large host that differ in a few flash parameters: sosmlx, diffoscope, DeepDiff."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from sosmlx.bundle.opening import open_source
from sosmlx.bundle.write import Meta, write
from sosmlx.model import Snapshot
from sosmlx.normalise import normalise
from sosmlx.record import Answer, Record
from tests.snapshots import query

Tree = dict[str, dict[str, dict[str, object]]]


def archives(folder: Path, devices: int, parameters: int, changes: int) -> list[str]:
    """Write two bundles: each function's address, firmware and flash query, with some parameters changed."""
    chance = random.Random(devices)
    rows = [
        {f"PARAM_{n:04d}_SETTING": (str(chance.randrange(64)),) * 3 for n in range(parameters)} for _ in range(devices)
    ]
    paths = []
    for side in ("left", "right"):
        meta = Meta("big", datetime(2026, 11, 1, tzinfo=timezone.utc), "0" * 8, label=side, complete=True)
        paths.append(write(list(_records(rows)), meta, str(folder), "tar.gz"))
        for _ in range(changes):
            values = rows[chance.randrange(devices)]
            name = chance.choice(list(values))
            values[name] = (*values[name][:2], "99")
    return paths


def _records(rows: list[dict[str, tuple[str, str, str]]]) -> list[Record]:
    found: list[Record] = []
    for number, values in enumerate(rows):
        bdf = f"0000:{number:02x}:00.0"
        for name, text in (("class", "0x020000"), ("device", "0x101d"), ("vendor", "0x15b3")):
            path = f"/sys/bus/pci/devices/{bdf}/{name}"
            found.append(_record(len(found), "pci.attribute", bdf, f"{text}\n".encode(), path=path))
        argv = ("mstconfig", "-d", bdf, "-e", "q")
        found.append(_record(len(found), "mlxconfig.query", bdf, query(values, bdf).encode(), argv=argv))
    return found


def _record(number: int, kind: str, bdf: str, data: bytes, path: str = "", argv: tuple[str, ...] = ()) -> Record:
    return Record(f"{number:04d}", kind, kind.partition(".")[0], bdf, Answer(data), argv=argv, path=path)


def trees(paths: list[str]) -> list[Tree]:
    """Read bundles as nested values: device, knob, facet."""
    return [_tree(normalise(open_source(path))) for path in paths]


def _tree(snapshot: Snapshot) -> Tree:
    found: Tree = {}
    for setting in snapshot.settings:
        knob = f"{setting.plane}/{setting.name}"
        found.setdefault(setting.device, {})[knob] = {name: facet.value for name, facet in setting.facets}
    return found


def whole_tree_diff(left: Tree, right: Tree) -> Callable[[], object]:
    """Return what compares two trees with DeepDiff alone."""
    from deepdiff import DeepDiff  # half a second, for this comparison only

    return lambda: DeepDiff(left, right, view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
