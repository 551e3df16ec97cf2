"""What a baseline may ask of another device: a configured value, and not who, where or on which host a device is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from sosmlx.model import Device, Facet, Setting, Snapshot, Value
from sosmlx.parsers.values import UNSUPPORTED

REQUIRED = ("config", "firmware")
"""Classes of settings that a baseline asks for."""

PLACE: Mapping[str, str] = {
    "kernel/cmdline": "names this host's disks",
    "pci/local_cpulist": "says where the card sits",
    "pci/numa_node": "says where the card sits",
    "rdma/node_desc": "names the host",
    "rdma/port*.lid": "is given out by the subnet manager",
    "rdma/port*.sm_lid": "is given out by the subnet manager",
}
"""Settings of class `config` (globs of PLANE/NAME) that tell of the place of a device and not of how it is set up."""

# Addresses that belong to one device or one boot: MAC, GUID (two notations), UUID, PCI address, IPv6 GID.
_ADDRESS = re.compile(
    r"(?<![0-9a-f])(?:(?:[0-9a-f]{2}[:-]){5,19}[0-9a-f]{2}|(?:[0-9a-f]{4}:){3,7}[0-9a-f]{4}|0x[0-9a-f]{16}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])(?![0-9a-f])",
    re.IGNORECASE,
)
_MASK = re.compile(r"[0fFx:.-]*\Z")
"""Nothing but zeros and ones: a mask, or no address at all."""
_SHORT = 3
"""Names of fewer characters stand in too many words to tell whose they are."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST = 2**63 - 1
"""TOML promises its integers 64 bits with a sign."""


class Names:
    """The words that belong to one device of a snapshot, or to its host: a value that holds one is nobody else's."""

    def __init__(self, snapshot: Snapshot, device: Device | None) -> None:
        host = str(snapshot.host.get("hostname") or snapshot.source.host)
        words = [host, host.partition(".")[0]]
        self.parts: frozenset[str] = frozenset()
        if device is not None:
            words += [device.serial, device.board, device.asic, device.bdf, *device.netdevs, *device.rdma]
            self.parts = frozenset((*device.netdevs, *device.rdma))
        found = sorted({re.escape(word) for word in words if len(word) >= _SHORT})
        self._words = re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)") if found else None

    def own(self, setting: Setting) -> str:
        """Say why a setting can be asked of no other device; empty where it can."""
        place = f"{setting.plane}/{setting.name}"
        reason = next((words for glob, words in PLACE.items() if fnmatchcase(place, glob)), "")
        if reason:
            return reason
        if setting.name.rpartition("@")[2] in self.parts or self._foreign(setting.name):
            return "is named after one device"
        held = any(self._foreign(text) for _, facet in setting.facets for text in _texts(facet.value))
        return "holds a name or an address of one device" if held else ""

    def _foreign(self, text: str) -> bool:
        addresses = (match[0] for match in _ADDRESS.finditer(text))
        if any(not _MASK.match(address) for address in addresses):
            return True
        return self._words is not None and self._words.search(text) is not None


def _texts(value: Value) -> Iterable[str]:
    return [item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, str)]


def untold(facet: Facet) -> bool:
    """Whether there may be a value that this source does not tell: such a device agrees and disagrees with nobody."""
    return bool(facet.reason) and facet.reason != UNSUPPORTED


def written(value: Value) -> bool:
    r"""Whether a TOML document can hold a value: text that is none, numbers of more than 64 bits and nulls it cannot.

    >>> written((1, "x")), written((1, None)), written(1 << 64), written("\ud800")
    (True, False, False, False)
    """
    if isinstance(value, tuple):
        return all(written(item) for item in value)
    if isinstance(value, str):
        return not _SURROGATE.search(value)
    return isinstance(value, int) and -_LARGEST <= value <= _LARGEST
