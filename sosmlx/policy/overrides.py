"""What is overridden at run time: a run-time value that contradicts the flash value in force.

Only pairs of which it is known that one follows from the other are compared; all else is two knobs, not one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sosmlx.model import Facet, Setting, Snapshot, known, same_value


class Pair(NamedTuple):
    """A flash parameter and the run-time setting that has its value, where the parameters of `when` are so.

    A condition of None holds where the adapter does not have that parameter.
    """

    flash: str
    plane: str
    name: str
    when: tuple[tuple[tuple[str, bool | None], ...], ...]
    source: str


_VFS = "mlx5 core/lib/nv_param.c (per_pf_total_vf), Linux Documentation/networking/devlink/mlx5.rst (total_vfs)"

PAIRS: tuple[Pair, ...] = (
    Pair(
        "NUM_OF_VFS", "pci", "sriov_totalvfs",
        ((("SRIOV_EN", True), ("PF_NUM_OF_VF_VALID", False)), (("SRIOV_EN", True), ("PF_NUM_OF_VF_VALID", None))), _VFS,
    ),
    Pair("PF_NUM_OF_VF", "pci", "sriov_totalvfs", ((("SRIOV_EN", True), ("PF_NUM_OF_VF_VALID", True)),), _VFS),
)  # fmt: skip
"""`when` lists the cases in which a pair holds, each of several conditions."""


class Override(NamedTuple):
    """A setting whose run-time value contradicts flash."""

    device: str
    pair: Pair
    flash: Facet
    runtime: Facet


def overrides(snapshot: Snapshot) -> list[Override]:
    """Find run-time values that contradict the flash value in force; what was not read contradicts nothing."""
    names = {pair.flash for pair in PAIRS} | {name for pair in PAIRS for case in pair.when for name, _ in case}
    places = {(pair.plane, pair.name) for pair in PAIRS}
    devices: dict[str, dict[tuple[str, str], Setting]] = {}
    for row in snapshot.settings:
        if (row.plane == "nvconfig" and row.name in names) or (row.plane, row.name) in places:
            devices.setdefault(row.device, {})[row.plane, row.name] = row
    return [found for device, rows in sorted(devices.items()) for found in _of_device(device, rows)]


def _of_device(device: str, rows: Mapping[tuple[str, str], Setting]) -> Iterator[Override]:
    for pair in PAIRS:
        flash = _current(rows.get(("nvconfig", pair.flash)))
        runtime = _current(rows.get((pair.plane, pair.name)))
        if flash is None or runtime is None or not any(_holds(case, rows) for case in pair.when):
            continue
        if not same_value(flash, runtime):
            yield Override(device, pair, flash, runtime)


def _current(row: Setting | None) -> Facet | None:
    found = row.facet("current") if row is not None else None
    return found if found is not None and known(found) and isinstance(found.value, int) else None


def _holds(case: tuple[tuple[str, bool | None], ...], rows: Mapping[tuple[str, str], Setting]) -> bool:
    for name, wanted in case:
        row = rows.get(("nvconfig", name))
        found = _current(row)
        if wanted is None and row is not None:
            return False
        if wanted is not None and (found is None or bool(found.value) is not wanted):
            return False
    return True
