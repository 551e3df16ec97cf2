"""Which devices there are, and what they are: from facts that several reads gave, strongest first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sosmlx.model import Device, Setting, known
from sosmlx.parsers.channels import CHANNELS, CTL, LOCKED, MST_DEVICE, WAY
from sosmlx.record import HOST

Facts = dict[str, dict[str, list[str]]]
"""Subject → fact name → values, in the order in which they were read."""

# PCI device ids of BlueField integrated ConnectX functions (pci.ids, vendor 15b3).
_BLUEFIELD = ("0xa2d2", "0xa2d6", "0xa2dc", "0xa2df")
_VFIO = ("vfio-pci", "mlx5_vfio_pci")
_ADDRESS = re.compile(r"(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\Z")
_UNLOCKED = "unlocked"
_NETWORK_CLASSES = ("0x0200", "0x0207")
_BRIDGE_CLASS = "0x0604"
_REPRESENTOR = re.compile(r"(?:c\d+)?pf\d+(?:vf|sf)\d+\Z")

# PCI device ids of ConnectX functions (pci.ids, vendor 15b3); the marketing name is all that is taken from it.
MODELS: dict[str, str] = {
    "0x1013": "ConnectX-4", "0x1015": "ConnectX-4 Lx", "0x1017": "ConnectX-5", "0x1019": "ConnectX-5 Ex",
    "0x101b": "ConnectX-6", "0x101d": "ConnectX-6 Dx", "0x101f": "ConnectX-6 Lx", "0x1021": "ConnectX-7",
    "0x1023": "ConnectX-8", "0xa2d2": "BlueField", "0xa2d6": "BlueField-2", "0xa2dc": "BlueField-3",
    "0xa2df": "BlueField-4",
}  # fmt: skip


def identify(facts: Facts, settings: Sequence[Setting], pasted: bool) -> list[Device]:
    """List the devices of a snapshot, sorted by id.

    On a host these are the PCI functions that discovery found; in a pasted text, whatever device it speaks of.
    """
    joined = _join(facts)
    host = {**joined.get(HOST, {}), _UNLOCKED: ["yes"] if _unlocked(settings) else []}
    if pasted:
        ids = {subject for subject in joined if subject != HOST}
        ids |= {setting.device for setting in settings if setting.device != HOST}
        return [_device(name, joined.get(name, {}), host, facts) for name in sorted(ids)]
    bdfs = sorted(subject for subject, names in joined.items() if "class" in names and _ADDRESS.match(subject))
    functions = [_device(bdf, joined[bdf], host, facts) for bdf in bdfs]
    return [*functions, *_representors(facts, set(bdfs))]


def slot_of(device: Device) -> str:
    """Name the PCI device that a function is one of: its functions share an ASIC, its ports and its flash.

    An ASIC that has several slots (socket direct) is taken for several: nothing that two cards may share by mistake,
    such as a GUID or a MAC, joins them.
    """
    return device.bdf[:-2]


def _representors(facts: Facts, functions: set[str]) -> list[Device]:
    """Find the netdevs that stand for ports of VFs and SFs (switchdev mode), by their port names."""
    found = []
    for subject in sorted(facts):
        function, _, name = subject.partition("/")
        port = (facts[subject].get("phys_port_name") or [""])[0]
        if function in functions and name and _REPRESENTOR.match(port):
            found.append(_representor(function, name))
    return found


def _representor(bdf: str, name: str) -> Device:
    """A representor is a device of its own: its queues and offloads are not the function's configuration."""
    return Device(id=f"{bdf}/{name}", role="representor", netdevs=(name,))


def _join(facts: Facts) -> Facts:
    """Add the facts of a function's parts (its netdevs, its RDMA devices) to the function's own."""
    joined: Facts = {}
    for subject, names in facts.items():
        first = subject.partition("/")[0]
        owner = first if _ADDRESS.match(first) or first == HOST else subject
        for name, values in names.items():
            joined.setdefault(owner, {}).setdefault(name, []).extend(values)
    return joined


def _device(name: str, facts: Mapping[str, list[str]], host: Mapping[str, list[str]], all_facts: Facts) -> Device:
    def first(*names: str) -> str:
        return next((facts[fact][0] for fact in names if facts.get(fact)), "")

    role = _role(facts, host)
    fwctl = first("fwctl")
    return Device(
        id=name,
        bdf=name if _ADDRESS.match(name) else "",
        board=first("board"),
        asic=first("asic"),
        role=role,
        model=first("model") or MODELS.get(first("device_id"), ""),
        part_number=first("part_number"),
        psid=first("psid"),
        serial=first("serial"),
        running=first("fw.version.running", "fw.running"),
        stored=first("fw.version.stored", "fw.stored"),
        netdevs=_netdevs(name, facts, all_facts),
        rdma=tuple(sorted(dict.fromkeys(facts.get("rdma", ())))),
        fwctl=fwctl,
        channels=_channels(facts, host),
    )


def _role(facts: Mapping[str, list[str]], host: Mapping[str, list[str]]) -> str:
    """Derive the role of a function from its class, its links and its driver; `pf` is what a paste speaks of."""
    pci_class = (facts.get("class") or [""])[0]
    driver = (facts.get("driver") or [""])[0]
    if pci_class.startswith(_BRIDGE_CLASS):
        return "bridge"
    if driver.startswith("mlx4"):
        return "mlx4"
    if driver in _VFIO or "vfio" in facts.get(WAY, ()):
        return "vfio-owned"
    if "physfn" in facts:
        return "vf"
    if pci_class and not pci_class.startswith(_NETWORK_CLASSES):
        return "other"
    if (facts.get("device_id") or [""])[0] in _BLUEFIELD:
        return "ecpf" if "bluefield" in host else "dpu-host"
    return "pf"


def _netdevs(bdf: str, facts: Mapping[str, list[str]], all_facts: Facts) -> tuple[str, ...]:
    """Order a function's own netdevs by port name; its representors are devices of their own."""

    def port(name: str) -> str:
        return (all_facts.get(f"{bdf}/{name}", {}).get("phys_port_name") or [""])[0]

    own = {name for name in facts.get("netdev", ()) if not _REPRESENTOR.match(port(name))}
    return tuple(sorted(own, key=lambda name: (port(name), name)))


def _unlocked(settings: Sequence[Setting]) -> bool:
    """Tell whether the host says that it is not locked down."""
    words = (row.facet("current") for row in settings if row.key[:3] == (HOST, "kernel", "lockdown"))
    return any(word is not None and known(word) and word.value not in LOCKED for word in words)


def _channels(facts: Mapping[str, list[str]], host: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Name the channels into a device that are there, in the order of CHANNELS."""
    driver, ways = (facts.get("driver") or [""])[0], facts.get(WAY, ())
    there = {
        "fwctl": bool(facts.get("fwctl")) or "fwctl" in ways,
        "devlink": driver == "mlx5_core",
        "mst": bool(facts.get("mst")) or _shared(facts, "device_id", host, MST_DEVICE),
        "mlx5ctl": _shared(facts, CTL, host, CTL),
        "pci": "bar" in ways and bool(host.get(_UNLOCKED)),
        "devx": "verbs" in ways and driver == "mlx5_core",
        "umad": "umad" in ways,
        "vfio": driver in _VFIO or "vfio" in ways,
    }
    return tuple(name for name in CHANNELS if there[name])


def _shared(facts: Mapping[str, list[str]], name: str, host: Mapping[str, list[str]], other: str) -> bool:
    return bool(set(facts.get(name, ())) & set(host.get(other, ())))
