"""`ibstat`, `ibstatus` and `ibv_devinfo` (also `-v` and `-l`): RDMA devices, their ports, and what they can do.

Formats: rdma-core's `infiniband-diags/ibstat.c`, `infiniband-diags/scripts/ibstatus` and
`libibverbs/examples/devinfo.c`. A knob that two of them print has the name of the kernel's attribute
(`stable/sysfs-class-infiniband`), whatever the tool calls it. Indentation is not relied on: tickets turn tabs into
blanks, or drop them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sosmlx.model import HOST, Evidence, Facet, Fact, Item, Record, Setting, SettingClass, Unparsed
from sosmlx.parsers import shell, values
from sosmlx.parsers.infiniband_knobs import DEVICE, FIRMWARE, PORT, Knob, enum
from sosmlx.parsers.spec import ELIDED, Parser, heading

_NODE = r"(?:CA|Switch|Router|iWARP RNIC|usNIC(?: UDP)?|\?\?\?)"
_DEVICE = re.compile(
    rf"\s*(?:{_NODE}:?\s{{1,8}}['`\u2018](?P<ca>[^'\u2019\n]+)['\u2019]|hca_id:\s*(?P<hca>\S+)"
    r"|Infiniband device '(?P<ib>[^'\n]+)' port (?P<port>\d+) status:)"
)
_PORT = re.compile(r"\s*(?:Port\s+(\d+)\s*:|port:\s*(\d+))\s*\Z")
_LIST = re.compile(r"\s*(?:Device ports:|(?P<list>\d+ HCAs? found:))\s*\Z")
_NAME = re.compile(r"[a-z][\w.-]{1,63}\Z")
_MESSAGE = re.compile(
    r"\s*(?:ib(?:panic|warn|error): |No IB devices found|Failed to |IB device '[^']*' wasn't found"
    r"|Invalid port requested|Usage: |Command '|Couldn't |libibverbs: |(?:\S+: )?(?:/\S+/)?ib\w+: )"
    r"|.*(?:command not found|Permission denied)"
)
_KEY = re.compile(r"[A-Za-z][\w ()/-]{1,50}\Z|GID\[ *\d+\]\Z")
_GID = re.compile(r"GID\[ *(\d+)\]")
_GAP = re.compile(r"\t+|[ \u00a0]{2,}")
_FLAG = re.compile(r"Unknown flags: 0x[0-9a-fA-F]+\Z|[A-Z][\w -]{1,60}\Z")
_UNSUPPORTED = re.compile(r"([a-z][\w ]{1,60}?) not supported\Z")
_MT = re.compile(r"MT(\d{4,5})\Z")
_MELLANOX = ("0x02c9", "0x15b3")
"""What `vendor_id` says on these adapters: an IEEE OUI; other stacks print the PCI vendor."""

_MEMBERS: dict[str, tuple[str, ...]] = {
    "tso_caps": ("max_tso", "supported_qp"),
    "rss_caps": (
        "max_rwq_indirection_tables", "max_rwq_indirection_table_size", "rx_hash_function", "rx_hash_fields_mask",
        "supported_qp",
    ),
    "packet_pacing_caps": ("qp_rate_limit_min", "qp_rate_limit_max", "supported_qp"),
    "cq_moderation_caps": ("max_cq_count", "max_cq_period"),
    "tm_caps": ("max_rndv_hdr_size", "max_num_tags", "max_ops", "max_sge", "flags"),
}  # fmt: skip
"""Members of the groups that `-v` prints; two groups have members of one name, and tag matching has no title."""


@dataclass
class _Place:
    """Where in the text the reader is: device, port, group of capabilities, and the list of flags being read."""

    device: str = "device-1"
    port: str = ""
    group: str = ""
    vendor: str = ""
    listing: bool = False
    flags: str = ""
    words: list[str] = field(default_factory=list)
    labels: dict[str, None] = field(default_factory=dict)

    def enter(self, device: str, port: str) -> None:
        """Begin a device or a port."""
        self.device, self.port, self.group, self.listing = device, port, "", False

    def note(self, label: str, name: str) -> None:
        """Keep a label whose words are not in the name of its knob, so that the line is accounted for."""
        if label.lower() != name.rpartition(".")[2]:
            self.labels[label] = None


def show(text: str, record: Record) -> Iterator[Item]:
    """Read any of the three outputs, of one or several devices."""
    place = _Place(_named(record, ""), listing=True)
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if place.flags and stripped and _FLAG.match(stripped):
            place.words.append(stripped)
        elif stripped:
            yield from _flush(place)
            yield from _line(number, line, stripped, place, record)
    yield from _flush(place)
    yield from (heading(HOST, f"{label}:") for label in place.labels)


def _line(number: int, line: str, stripped: str, place: _Place, record: Record) -> Iterator[Item]:
    device, port, listed = _DEVICE.match(line), _PORT.match(line), _LIST.match(line)
    name, colon, value = (part.strip() for part in stripped.partition(":"))
    if device:
        found = device["ca"] or device["hca"] or device["ib"]
        place.enter(_named(record, found), device["port"] or "")
        yield heading(place.device, line)
        yield Fact(place.device, "rdma", found)
    elif port or listed:
        place.port = (port[1] or port[2]) if port else ""
        place.listing = bool(listed and listed["list"])
        yield heading(place.device, line)
    elif shell.is_command(line):
        yield heading(place.device, line)
    elif shell.is_elision(line):
        yield Evidence(ELIDED, place.device, stripped)
    elif _MESSAGE.match(line):
        yield Evidence("tool.message", place.device, stripped)
    elif colon and _KEY.match(name):
        yield from _row(name, value, line, place)
    else:
        yield from _bare(number, line, stripped, place, record)


def _row(label: str, value: str, line: str, place: _Place) -> Iterator[Item]:
    """Read `label: value`; a label without value opens a group, or a list of flags."""
    gid = _GID.match(label)
    if gid:
        place.labels["GID[]"] = None
        yield from _gid(gid[1], value, place)
        return
    key = _slug(label)
    if key == "max_rndv_hdr_size":
        place.group = "tm_caps"
    full = f"{place.group}.{key}" if key in _MEMBERS.get(place.group, ()) else key
    if not value:
        place.group = key if key in _MEMBERS else place.group
        place.flags = full
        yield heading(place.device, line)
    elif place.port:
        yield from _port(label, key, value, place)
    else:
        yield from _device(label, key, full, value, place)


def _port(label: str, key: str, value: str, place: _Place) -> Iterator[Item]:
    if key == "default_gid":
        place.note(label, "gid")
        yield from _gid("0", value, place)
        return
    knob = PORT.get(key) or Knob(key, "config", enum)
    place.note(label, knob.name)
    yield _setting(place, f"port{place.port}.{knob.name}", knob.typed(value), knob.cls)


def _gid(index: str, value: str, place: _Place) -> Iterator[Item]:
    """Read a row of the GID table: newer versions print the RoCE type behind the address."""
    address, _, kind = (part.strip() for part in value.partition(","))
    facet = Facet(None, address, reason=values.UNSUPPORTED) if address == "unknown" else values.text(address)
    yield _setting(place, f"port{place.port or '1'}.gid@{index}", facet, "identity")
    if kind:
        yield _setting(place, f"port{place.port or '1'}.gid-type@{index}", values.text(kind), "config")


def _device(label: str, key: str, full: str, value: str, place: _Place) -> Iterator[Item]:
    if key in FIRMWARE:
        place.note(label, "fw.version")
        yield Setting(place.device, "firmware", "fw.version", "", (("running", values.text(value)),), "firmware")
        yield Fact(place.device, "fw.version.running", value)
        return
    knob = DEVICE.get(full) or Knob(full, "capability", enum)
    place.note(label, knob.name)
    facet = knob.typed(value)
    yield _setting(place, knob.name, facet, knob.cls)
    yield from _facts(knob.name, facet, place)
    if key.startswith("device_cap"):
        place.flags = f"{key}.flags"


def _facts(name: str, facet: Facet, place: _Place) -> Iterator[Fact]:
    """State what identifies the adapter: PSID, system image GUID (all zeros on some VFs), PCI device id."""
    value = str(facet.value)
    if name == "board_id" and value.lower() not in ("n/a", ""):
        yield Fact(place.device, "psid", value)
    elif name == "sys_image_guid" and value.strip("0:"):
        yield Fact(place.device, "asic", value)
    elif name == "vendor_id":
        place.vendor = value
    part = _MT.match(value) if name == "hca_type" else None
    number = part[1] if part else value if name == "vendor_part_id" and place.vendor in _MELLANOX else ""
    if re.fullmatch(r"[1-9]\d{3,4}", number):
        yield Fact(place.device, "device_id", f"0x{int(number):04x}")


def _bare(number: int, line: str, stripped: str, place: _Place, record: Record) -> Iterator[Item]:
    """Read a line without a colon: `X not supported`, a row that an older version prints so, or a listed name."""
    absent = _UNSUPPORTED.match(stripped)
    words = [word for word in _GAP.split(stripped) if word]
    if absent:
        name = _slug(absent[1])
        place.note(absent[1], name)
        facet = Facet(None, stripped, reason=values.UNSUPPORTED)
        yield _setting(place, name, facet, "capability")
    elif place.listing and _NAME.match(stripped):
        yield Fact(_named(record, stripped), "rdma", stripped)
        yield heading(_named(record, stripped), line)
    elif not place.listing and len(words) == 2 and _KEY.match(words[0]):
        yield from _row(words[0], words[1], line, place)
    else:
        yield Unparsed(number, line)


def _flush(place: _Place) -> Iterator[Item]:
    """End a list of flags."""
    if place.flags and place.words:
        raw = " ".join(place.words)
        yield _setting(place, place.flags, Facet(tuple(place.words), raw), "capability")
    place.flags, place.words = "", []


def _slug(label: str) -> str:
    return re.sub(r"\W+", "_", label.lower()).strip("_")


def _setting(place: _Place, name: str, facet: Facet, cls: SettingClass) -> Setting:
    return Setting(place.device, "rdma", name, "", (("current", facet),), cls)


def _named(record: Record, name: str) -> str:
    """Name the device: by its read, unless that was the host's; an output names its devices itself."""
    if record.subject != HOST and record.part in ("", name):
        return record.subject
    return name or "device-1"


TABLE = (
    Parser(
        "ibstat.show",
        show,
        ("rdma", "firmware"),
        re.compile(
            rf"^[ \t\u00a0]*(?:{_NODE}:?[ \t\u00a0]{{1,8}}['`\u2018][^'\u2019\n]+['\u2019]\s*$"
            r"|Port \d+:[ \t]*\n[ \t\u00a0]*State: |ibpanic: )",
            re.MULTILINE,
        ),
        identity=True,
    ),
    Parser(
        "ibstatus.show",
        show,
        ("rdma", "firmware"),
        re.compile(r"^[ \t\u00a0]*Infiniband device '[^'\n]+' port \d+ status:", re.MULTILINE),
        identity=True,
    ),
    Parser(
        "ibv_devinfo.show",
        show,
        ("rdma", "firmware"),
        re.compile(
            r"^[ \t\u00a0]*(?:hca_id:[ \t\u00a0]*\S|\d+ HCAs? found:|phys_port_cnt:|vendor_part_id:"
            r"|No IB devices found)",
            re.MULTILINE,
        ),
        identity=True,
    ),
)
