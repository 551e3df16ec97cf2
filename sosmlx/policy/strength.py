"""How strong the picture is: lockdown against the channels through which a device could have been written unseen.

An open channel is an exposure and no taint: it lowers the strength of whatever is said. Sources, by channel:
`security/lockdown/lockdown.c` and `drivers/pci/pci-sysfs.c` (PCI resources), mstflint `kernel/` (access modules),
`Documentation/driver-api/vfio.rst`, `drivers/infiniband/hw/mlx5/devx.c` (`devx_is_general_cmd` passes register access,
`CAP_SYS_RAWIO` widens it, lockdown is not asked), `drivers/infiniband/core/user_mad.c`, and Mellanox/rshim-user-space.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sosmlx.model import Snapshot, known
from sosmlx.parsers.channels import LOCKED, RSHIM
from sosmlx.parsers.mst import CHANNEL, FOLDER
from sosmlx.policy.device import names
from sosmlx.record import HOST

STRONG, MODERATE, WEAK = "strong", "moderate", "weak"
GRADES = (STRONG, MODERATE, WEAK)
"""Strengths from the best on."""

RAW_MODULES = ("mst_pci", "mst_pciconf", "mstflint_access", "mlx5ctl")
"""Modules that give user space raw access to the device: untracked writes are possible while they are loaded."""

_DEVX = ("ib_uverbs", "mlx5_ib")
_RSHIM = "rshim"

_FWCTL, _FWCTL_CLASS = "fwctl", "fwctl.nodes"
_OUT_OF_TREE = "O"


class Exposure(NamedTuple):
    """A channel that was open, or that nobody could look at, and the best strength that is left beside it."""

    limit: str
    words: str


class Strength(NamedTuple):
    """The strength in one word, what lowered it, and the channels that cannot be seen from a host at all."""

    word: str
    exposures: tuple[Exposure, ...] = ()
    unseen: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it as the sentence of a verdict does."""
        return self.word + (f": {', '.join(found.words for found in self.exposures)}" if self.exposures else "")


def strength(snapshot: Snapshot, device_side: Sequence[str] = (), limits: Sequence[str] = ()) -> Strength:
    """Judge how much could have happened unseen.

    `device_side` tells of which functions debug tokens and the firmware's kind were not read, `limits` what the
    kernel's clean word cannot tell. What was not read counts as the worst that it may be.
    """
    loaded = {setting.name for setting in snapshot.settings if setting.plane == "module" and "." not in setting.name}
    found = [*_vendor(snapshot, loaded), *_owned(snapshot), *(Exposure(WEAK, words) for words in device_side)]
    found += [*mechanism(snapshot).exposures, *_rdma(snapshot, loaded), *_lockdown(snapshot)]
    found += [*(Exposure(MODERATE, words) for words in limits)]
    found.sort(key=lambda exposure: -GRADES.index(exposure.limit))
    word = max([STRONG, *(exposure.limit for exposure in found)], key=GRADES.index)
    return Strength(word, tuple(found), tuple(_unseen(snapshot)))


def _vendor(snapshot: Snapshot, loaded: Collection[str]) -> Iterator[Exposure]:
    """Find the vendor's own ways: access modules, their nodes, and the way into a BlueField."""
    for module in RAW_MODULES:
        if module in loaded:
            yield Exposure(WEAK, f"vendor access module {module} is loaded")
    nodes = [row.subject for row in snapshot.evidence if row.kind == CHANNEL and row.subject != HOST]
    reached = [*_through(snapshot, "mst"), *(node for node in nodes if not node.startswith(FOLDER))]
    if reached:
        yield Exposure(WEAK, f"vendor access nodes reach {names(list(dict.fromkeys(reached)))}")
    elif nodes:
        yield Exposure(WEAK, f"vendor access nodes are there: {names(list(dict.fromkeys(nodes)))}")
    if _through(snapshot, "mlx5ctl") and "mlx5ctl" not in loaded:
        yield Exposure(WEAK, f"mlx5ctl reaches {names(_through(snapshot, 'mlx5ctl'))}")
    rshim = sorted(module for module in loaded if module.partition("_")[0] == _RSHIM)
    rshim += sorted({row.text for row in snapshot.evidence if row.kind == RSHIM})
    if rshim:
        yield Exposure(WEAK, f"{names(rshim)} gives access to the whole of a BlueField")
    if _modules_unread(snapshot):
        yield Exposure(WEAK, "which modules are loaded was not read")


def _through(snapshot: Snapshot, channel: str) -> list[str]:
    """Name the functions into which a channel leads."""
    return [device.id for device in snapshot.devices if channel in device.channels]


def _modules_unread(snapshot: Snapshot) -> bool:
    rows = [row.status for row in snapshot.coverage if row.device == HOST and row.plane == "module"]
    reads = [row.outcome for row in snapshot.reads if row.kind == "kernel.modules"]
    return rows in ([], ["unknown"]) or any(outcome != "collected" for outcome in reads)


def _owned(snapshot: Snapshot) -> Iterator[Exposure]:
    """Find what user space owns through VFIO: a physical function is the whole device, a virtual one is its own."""
    owned = [device.id for device in snapshot.devices if device.role == "vfio-owned"]
    if not owned:
        return
    virtual = {setting.device for setting in snapshot.settings if (setting.plane, setting.name) == ("pci", "physfn")}
    for limit, what, members in (
        (WEAK, "", [name for name in owned if name not in virtual]),
        (MODERATE, "virtual function ", [name for name in owned if name in virtual]),
    ):
        if members:
            yield Exposure(limit, f"{what}{names(members)} owned through VFIO")


def _rdma(snapshot: Snapshot, loaded: Collection[str]) -> Iterator[Exposure]:
    """Find the ways that the RDMA stack opens to privileged programs, locked down or not.

    What is built into the kernel is in no list of modules, but its nodes are there.
    """
    if _through(snapshot, "devx") or all(module in loaded for module in _DEVX):
        yield Exposure(MODERATE, "DevX is open to whoever has CAP_SYS_RAWIO")
    if _through(snapshot, "umad") or "ib_umad" in loaded:
        yield Exposure(MODERATE, "ib_umad is open to whoever may send management datagrams")


def _lockdown(snapshot: Snapshot) -> Iterator[Exposure]:
    if "lockdown" not in snapshot.host:
        yield Exposure(MODERATE, "lockdown was not read")
    elif snapshot.host["lockdown"] not in LOCKED:
        yield Exposure(MODERATE, "lockdown is off: PCI resources can be written")


def _unseen(snapshot: Snapshot) -> Iterator[str]:
    """Name the channels of which a host cannot tell whether they are used."""
    yield "a BMC"
    if any(device.role in ("dpu-host", "dpu-nic-mode") for device in snapshot.devices):
        yield "rshim in user space"


class Mechanism(NamedTuple):
    """Whether the kernel could have set bit 19 at all, in words, and what that leaves of the strength."""

    words: str
    exposures: tuple[Exposure, ...] = ()


def mechanism(snapshot: Snapshot) -> Mechanism:
    """Tell whether fwctl, which sets bit 19, was there: in which form, and since when as far as that is known.

    The kernel does not record when a module was loaded. What is built in has no row in the list of modules.
    """
    loaded = {setting.name: setting for setting in snapshot.settings if setting.plane == "module"}
    seen = {row.outcome for row in snapshot.reads if (row.kind, row.subject) == (_FWCTL_CLASS, HOST)}
    if _FWCTL in loaded:
        letters = loaded[f"{_FWCTL}.taint"].facet("current") if f"{_FWCTL}.taint" in loaded else None
        if letters is not None and known(letters) and _OUT_OF_TREE in str(letters.value):
            words = "a module from outside the kernel's tree: whether it taints is not known"
            return Mechanism(words, (Exposure(MODERATE, f"fwctl is {words}"),))
        return Mechanism("a module, loaded since the boot at a time that the kernel does not record")
    if _modules_unread(snapshot) or not seen & {"collected", "absent"}:
        return Mechanism("unknown: it was not read")
    if "collected" in seen:
        return Mechanism("built into the kernel, there since the boot")
    return Mechanism("not there now: that bit 19 is clear tells nothing of vendor tools, which take other ways")
