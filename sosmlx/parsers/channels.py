"""The ways into a device, by the names of what is there: nodes of vendor drivers, RDMA's nodes, PCI resources, VFIO.

Nothing is opened to tell. Sources: `drivers/infiniband/core/uverbs_main.c`, `user_mad.c` and `drivers/fwctl/main.c`
(their class devices hang on the PCI function), `Documentation/ABI/testing/sysfs-driver-vfio` (`vfio-dev`),
`drivers/pci/pci-sysfs.c` (`resourceN`), the mlx5ctl patches (auxiliary device `mlx5_core.ctl.N`, misc device
`mlx5ctl-` and its name), MFT (`/dev/mst/mtDECIMAL_…`: the PCI device id), `fs/fuse/cuse.c` and rshim's `rshim_fuse.c`
(nodes `rshimN/NAME`, in sysfs with `!`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import Evidence, Fact, Item
from sosmlx.parsers.mst import CHANNEL, FOLDER
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import HOST, Record

WAY = "way"
"""Fact of a function: a word for a way into it that its folder shows."""
CTL = "ctl"
"""Fact of a function: its auxiliary device for mlx5ctl; of the host: one of those that has a node."""
MST_DEVICE = "mst.device"
"""Fact of the host: a PCI device id for which a vendor driver has a node."""
RSHIM = "channel.rshim"
"""Evidence kind: a program serves the nodes of rshim, the way into the whole of a BlueField."""

CHANNELS = ("fwctl", "devlink", "mst", "mlx5ctl", "pci", "devx", "umad", "vfio")
"""Words for the channels into a device, in the order in which they are told."""

LOCKED = ("integrity", "confidentiality")
"""Levels of lockdown under which user space cannot write PCI resources (`security/lockdown/lockdown.c`)."""

_FOLDERS = {
    "infiniband_verbs": "verbs",
    "infiniband_mad": "umad",
    "vfio-dev": "vfio",
    "resource0": "bar",
    "fwctl": "fwctl",
}
_CTL = re.compile(r"(?:mlx5ctl-)?(mlx5_core\.ctl\.\d+)\Z")
_CARD = re.compile(r"mt(\d{4,5})_")
_RSHIM = re.compile(r"(rshim\d+)[!/]")


def entries(text: str, record: Record) -> Iterator[Item]:
    """Read the names in the folder of a PCI function."""
    for name in _rows(text):
        ctl = _CTL.match(name)
        if name in _FOLDERS:
            yield Fact(record.function, WAY, _FOLDERS[name])
        elif ctl:
            yield Fact(record.function, CTL, ctl[1])
        yield heading(record.subject, name)


def mst_nodes(text: str, record: Record) -> Iterator[Item]:
    """Read the names in `/dev/mst`: a node is for the devices whose id it carries."""
    for name in _rows(text):
        card = _CARD.match(name)
        if card:
            yield Fact(HOST, MST_DEVICE, f"{int(card[1]):#06x}")
        yield Evidence(CHANNEL, f"{FOLDER}{name}", f"{FOLDER}{name} is there")


def misc_nodes(text: str, record: Record) -> Iterator[Item]:
    """Read the names in `/sys/class/misc`: those of mlx5ctl are ways into a device."""
    for name in _rows(text):
        ctl = _CTL.match(name)
        if ctl and name != ctl[1]:
            yield Fact(HOST, CTL, ctl[1])
        yield heading(record.subject, name)


def cuse_nodes(text: str, record: Record) -> Iterator[Item]:
    """Read the names in `/sys/class/cuse`, where programs serve nodes: those of rshim are ways into a BlueField."""
    seen: set[str] = set()
    for name in _rows(text):
        rshim = _RSHIM.match(name)
        if rshim and rshim[1] not in seen:
            seen.add(rshim[1])
            yield Evidence(RSHIM, HOST, rshim[1])
        yield heading(record.subject, name)


def _rows(text: str) -> Iterator[str]:
    return (name for name in text.split("\n") if name.strip())


TABLE = (
    Parser("pci.entries", entries, (), identity=True),
    Parser("mst.nodes", mst_nodes, (), identity=True),
    Parser("misc.nodes", misc_nodes, (), identity=True),
    Parser("cuse.nodes", cuse_nodes, (), identity=True),
)
