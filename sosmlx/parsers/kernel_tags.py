"""What a kernel message says of the adapters: a table from its source and words to a kind and a severity.

Sources of the words: `drivers/net/ethernet/mellanox/mlx5/core/{main,health,cmd,events,sriov,fw_reset}.c`, `mlx4/`,
`drivers/fwctl/main.c`, `drivers/pci/pcie/{aer,dpc}.c`, `drivers/iommu/`, `kernel/module/`, `security/lockdown/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import Pattern
from typing import NamedTuple

from sosmlx.model import Evidence


class Tag(NamedTuple):
    """A kind of message: what it is called, how bad it is, and which words it has."""

    kind: str
    severity: str
    words: Pattern[str]


def _tags(*rows: tuple[str, str, str]) -> tuple[Tag, ...]:
    return tuple(Tag(f"log.{kind}", severity, re.compile(words)) for kind, severity, words in rows)


DRIVER = re.compile(r"<?(?:mlx[45]|mlxfw|mlxdevm|mlx_|mst_|mstflint)")
"""How a message of the adapters' own drivers begins."""

_OF_DRIVER = _tags(
    ("health", "medium", r"Health issue observed, (?:[Hh]igh )?temperature"),
    ("health", "high", r"Fatal error \d+ detected|Health issue observed|mlx5_error_sw_reset|handling bad device"
     r"|health recovery (?:flow )?(?:failed|aborted)|Internal error (?:detected|mark)|firmware fatal|FW fatal"),
    ("health", "info", r"recovery (?:succeeded|completed)|starting health recovery"),
    ("health-block", "info", r"print_health_info|\bassert_(?:var\[|exit_ptr|callra)|\b(?:ext_synd|irisc_index) "
     r"|raw fw_ver |\bsynd 0x"),
    ("firmware-stuck", "high", r"health compromised|leak of a command resource|No done completion"
     r"|[Tt]imeout\. Will|command interface.{0,40}(?:down|stuck)"),
    ("module-event", "medium", r"Port module event\[error\]|Cable error|Power budget exceeded"),
    ("slot-power", "medium", r"insufficient power"),
    ("slot-power", "info", r"sufficient power|power capability was not advertised"),
    ("temperature", "medium", r"[Hh]igh [Tt]emperature"),
    ("module-event", "info", r"Port module event|Cable (?:un)?plugged"),
    ("sriov-mmio", "high", r"not enough MMIO resources"),
    ("probe-failed", "high", r"probe of \S+ failed|probe with driver \S+ failed"
     r"|(?:load_one|init_one|function_setup|mlx5_load)\w*\b.{0,120}(?:[Ff]ailed|aborting)"
     r"|Failed initializing command interface|FW initialization, timeout abort|[Ff]irmware over \d+ ?[Mm][Ss] in "),
    ("command-failed", "info", r"syndrome \(0x|\bop_mod\(0x\w+\) failed|Failed to read mnvda reg"),
    ("firmware", "info", r"firmware version: |[Ff]irmware version "),
    ("pcie-bandwidth", "info", r"available PCIe bandwidth|PCIe link width|PCIe width"),
    ("firmware-reset", "info", r"Sync [Rr]eset|PCI Sync FW Update|[Dd]evice is going to reset|[Ff]w_reset"),
    ("firmware-dump", "info", r"\bcrdump\b|FWTracer|fw_tracer|Firmware trac|rscdump"),
    ("sriov", "info", r"E-Switch|SR-?IOV|[Vv]irtual [Ff]unction|\bnvfs\(|vports?\("),
    ("link", "info", r"\b[Ll]ink (?:up|down|Up|Down)\b"),
)  # fmt: skip
"""Messages of mlx4 and mlx5; the first row that fits counts."""

_OF_ANY = _tags(
    ("module-taint", "medium", r"loading out-of-tree module taints kernel|module verification failed"
     r"|module license .{1,80} taints kernel|kernel tainted\b|is from the staging directory|test module taints kernel"),
    ("module-mismatch", "medium", r"disagrees about version of symbol|Unknown symbol|no symbol version for"
     r"|: version magic '"),
    ("module-signature", "medium", r"Loading of (?:unsigned )?(?:module|\S+ module).{0,60} is rejected"
     r"|not signed with a trusted key|Module signature verification failed"),
    ("probe-failed", "high", r"^mlx\w+: probe of \S+ failed"),
    ("aer", "medium", r"(?:AER|DPC): .{0,60}(?:Uncorrect|Fatal|containment)|severity=(?:Uncorrect|Fatal)"
     r"|severity: fatal"),
    ("aer", "info", r"\bAER: |PCIe Bus Error|error status/mask=|TLP Header|\bDPC: |\[Hardware Error\]"
     r"|: +\[ ?\d{1,2}\] [A-Z]\w+"),
    ("iommu-fault", "medium", r"IO_PAGE_FAULT|DMAR: .{0,30}(?:fault|\[DMA|\[INTR)|PTE (?:Read|Write) access is not set"
     r"|[Uu]nhandled context fault|\bF_TRANSLATION\b|arm-smmu\S* \S+: event 0x"),
    ("iommu", "info", r"^(?:DMAR|AMD-Vi|iommu|arm-smmu)|\biommu\b|Virtualization Technology for Directed I/O"),
    ("link", "info", r"link becomes ready|NIC Link is|\bLink is (?:Up|Down)"
     r"|[Ll]ink status (?:definitely )?(?:up|down)"),
)  # fmt: skip
"""Messages that any source may print."""

_OF_WORD: dict[str, tuple[Tag, ...]] = {
    # drivers/fwctl/main.c, fwctl_cmd_rpc(); some kernels print "device device"
    "fwctl": _tags(
        ("fwctl-taint", "high", r"^fwctl \S+: .{0,80}has requested full access to the physical device"),
        ("fwctl", "info", r""),
    ),
    "Lockdown:": _tags(("lockdown", "info", r"")),
    "Kernel": _tags(("lockdown", "info", r"^Kernel is locked down")),
    "secureboot:": _tags(("secure-boot", "info", r"")),
}
"""Messages by their first word: asked first, because they quote the name of a process, which may be anything."""

_KINDS: dict[str, Tag] = {
    word: Tag(f"log.{kind}", "info", re.compile(""))
    for word, kind in (("pci", "pci"), ("pcieport", "pci"), ("pciehp", "pci"), ("vfio-pci", "vfio"))
}
"""What a message is, by its first word, where no row says more."""

LINE = Tag("log.line", "info", re.compile(""))
_DRIVER_LINE = Tag("log.driver", "info", re.compile(""))


def tag(message: str) -> Tag:
    """Tell what a message (without its time stamp) is.

    >>> tag("mlx5_core 0000:3b:00.0: firmware version: 22.41.1000").kind
    'log.firmware'
    """
    word = message.partition(" ")[0]
    ours = DRIVER.match(message) is not None
    rows = (*_OF_WORD.get(word, ()), *(_OF_DRIVER if ours else ()), *_OF_ANY)
    found = next((row for row in rows if row.words.search(message)), None)
    return found or (_DRIVER_LINE if ours else _KINDS.get(word, LINE))


SYNDROMES: dict[int, str] = {
    0x1: "firmware internal error", 0x7: "dead irisc", 0x8: "unrecoverable hardware error", 0x9: "firmware CRC error",
    0xA: "ICM fetch PCI error", 0xB: "page error", 0xC: "async EQ buffer overrun", 0xD: "EQ in error",
    0xE: "EQ invalid", 0xF: "FFSER error", 0x10: "high temperature", 0x12: "ICM PCI poisoned", 0x13: "trust lockdown",
}  # fmt: skip
"""Syndromes of the health buffer (mlx5 `core/health.c`, `hsynd_str`)."""

_TEMPERATURE = 0x10
_FIELD = re.compile(
    r"(?:^|[\s:])(assert_var\[\d+\]|assert_exit_ptr|assert_callra|raw fw_ver|fw_ver|hw_id|irisc_index|ext_synd|synd"
    r"|severity|rfr|time)\s+([\w.]+)"
)


class HealthBlocks:
    """Gathers the lines of a health buffer, which the driver prints one by one, to one report a device."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str, str]] = {}

    def add(self, device: str, message: str) -> Iterator[Evidence]:
        """Take a line; a field that the device's block has already closes that block."""
        match = _FIELD.search(message)
        if match is None:
            return
        block = self._open.setdefault(device, {})
        if match[1] in block:
            yield _report(device, block)
            block = self._open[device] = {}
        block[match[1]] = match[2]

    def close(self) -> Iterator[Evidence]:
        """Report what is still open."""
        for device, block in self._open.items():
            yield _report(device, block)
        self._open = {}


def _report(device: str, block: dict[str, str]) -> Evidence:
    """Say in one sentence what a health buffer held: a syndrome is decoded, and all ones is no syndrome."""
    raw = block.get("synd", "")
    number = int(raw, 16) if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", raw) else None
    severity = "high"
    variables = [value for name, value in block.items() if name.startswith("assert_var")]
    if number == 0xFF and all(value.lower() == "0xffffffff" for value in variables):
        words = "all ones: the device did not answer the read"
    elif number == _TEMPERATURE:
        severity, words = "medium", "high temperature, not a crash"
    elif number is None:
        words = "no syndrome in these lines"
    else:
        words = SYNDROMES.get(number, "a syndrome without a known name")
    text = f"firmware health buffer: {f'synd {raw}: ' if raw else ''}{words}"
    if variables:
        text += f"; assert_var {' '.join(variables)}"
    rest = [f"{name} {value}" for name, value in block.items() if name != "synd" and not name.startswith("assert_var")]
    return Evidence("log.health-report", device, "; ".join((text, *rest)), severity)
