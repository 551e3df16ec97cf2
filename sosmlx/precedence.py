"""Which of several reads of one knob counts, and how much it matters that they disagree: `docs/precedence.md`."""

from __future__ import annotations

from collections.abc import Mapping

from sosmlx.model import Facet as Facet
from sosmlx.model import Plane, Setting, SettingClass, Severity, known
from sosmlx.parsers import PARSERS

ORDER: Mapping[Plane, tuple[str, ...]] = {
    "nvconfig": ("register.", "mlxconfig.", "devlink."),
    "pci": ("pci.", "lspci."),
    "net": ("net.", "ip."),
    "rdma": ("rdma.attribute", "rdma."),
    "firmware": ("register.", "mailbox.", "devlink.", "flint.", "mlxfwmanager."),
}
"""How the kinds of a plane's own readers begin, the one that counts first; what is not named comes behind those."""

SEVERITY: Mapping[SettingClass, Severity] = {
    "identity": "high", "firmware": "high", "config": "medium", "capability": "medium", "evidence": "medium",
    "health": "info",
}  # fmt: skip
"""By class, how much a disagreement matters; a class that is not named changes between two reads anyway."""

KNOBS: Mapping[tuple[Plane, str], Severity] = {
    ("pci", "current_link_speed"): "info",  # an adapter in two slots has two links, and MPEIN tells of the first
    ("pci", "current_link_width"): "info",
    ("rdma", "node_guid"): "info",  # that PGUID tells the same of every function, nobody has confirmed
    ("rdma", "sys_image_guid"): "info",
    ("net", "vf.link_state"): "info",  # in switchdev mode, opening a representor sets the firmware's alone
}
"""What a disagreement about one knob matters where its class says more than is certain."""


def rank(setting: Setting, kind: str) -> tuple[bool, bool, int]:
    """Order the reads of one knob: the lowest counts.

    A read that gave a value comes before one that gave none; a reader of the knob's own plane before one that tells it
    beside other things, as a firmware register does; then the order of `ORDER`.

    >>> rank(Setting("d", "ethtool", "pause.rx", "", (("current", Facet(True, "on")),)), "ethtool.pause")
    (False, False, 0)
    >>> rank(Setting("d", "ethtool", "pause.rx", "", (("current", Facet(True, "on")),)), "register.pfcc")
    (False, True, 0)
    """
    parser = PARSERS.get(kind)
    guest = parser is not None and setting.plane not in parser.planes
    order = ORDER.get(setting.plane, ())
    places = (place for place, start in enumerate(order) if kind.startswith(start))
    return not any(known(facet) for _, facet in setting.facets), guest, next(places, len(order))


def severity(setting: Setting) -> Severity | None:
    """Say how much it matters that two reads of a knob disagree; None where that is no news.

    >>> severity(Setting("d", "dcb", "pfc.prio3", "", ()))
    'medium'
    """
    if setting.plane == "health":
        return None
    return KNOBS.get((setting.plane, setting.name.partition("@")[0])) or SEVERITY.get(setting.cls)
