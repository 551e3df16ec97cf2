"""Flash parameters that one side lacks: whether their absence says something, or only that two readers differ.

The vendor's tool hides what it thinks useless, a catalogue may not have all that another one has, a text may show how
many elements an array has and not what they are, and devlink has names of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from sosmlx.diff.side import SLIGHT, Side
from sosmlx.fwctl.catalogue import builtin
from sosmlx.model import Setting
from sosmlx.parsers.values import untold

PLANES = ("nvconfig", "caps")
"""Planes of which several readers tell."""

_QUERY = "mlxconfig.query"
_FIRMWARE = "register."
_ITEM = "item."
"""Begins the name of an item that no catalogue describes."""
_INSTANCE = re.compile(r"(?:_[PM]\d+)?(?:\[\d+\])?\Z")


class Absent(NamedTuple):
    """A setting that one side lacks: judged by its coverage (`told`), or not to be judged, and why.

    `known` tells whether the reason is a matter of scope; else one side could not read what the other has.
    """

    setting: Setting
    told: bool
    reason: str = ""
    known: bool = True


def absent(
    here: Side, there: Side, readers: set[str], names: Sequence[str], missing: Iterable[Setting]
) -> list[Absent]:
    """Judge settings of `there` that are not `here`; `readers` and `names` are the kinds and names of what is here."""
    arrays = {name.partition("[")[0] for name in names if "[" in name}
    whole = set(names)
    return [_absent(here, there, readers, arrays, whole, setting) for setting in missing]


def _absent(here: Side, there: Side, readers: set[str], arrays: set[str], whole: set[str], setting: Setting) -> Absent:
    kind = there.kinds.get(setting.record, "")
    array, bracket, _ = setting.name.partition("[")
    if setting.name in arrays or (bracket and array in whole):
        return Absent(setting, False, "one side does not show the elements")
    if setting.facets and all(untold(facet) for _, facet in setting.facets):
        return Absent(setting, False, setting.facets[0][1].reason, known=False)
    if readers <= set(SLIGHT):
        return Absent(setting, True)
    if kind in SLIGHT:
        return Absent(setting, False, "only devlink calls it so")
    asked = any(reader.startswith(_FIRMWARE) for reader in readers)
    if kind.startswith(_FIRMWARE) and not asked:
        return Absent(setting, False, "the vendor's tool did not show it")
    if kind == _QUERY and _QUERY not in readers:
        return Absent(setting, False, "not in the catalogue that was used there", known=False)
    if kind.startswith(_FIRMWARE) and there.catalogued and not here.catalogued and not _builtin(setting.name):
        return Absent(setting, False, "not in the catalogue that was used there")
    if setting.name.startswith(_ITEM) and here.catalogued and not there.catalogued:
        return Absent(setting, False, "named there by an installed catalogue")
    return Absent(setting, True)


def _builtin(name: str) -> bool:
    """Whether the built-in catalogue has a parameter of that name, of any port, module or element."""
    return name.startswith(_ITEM) or name in _names() or _INSTANCE.sub("", name) in _names()


@cache
def _names() -> frozenset[str]:
    return frozenset(param.name or param.key for tlv in builtin() for param in tlv.params)
