"""`mst status [-v]`, `mst start` and `mstdevices_info [-v]`: access modules, device nodes, and whose nodes they are.

Formats: the vendor's `mst` shell script and `mdevices_info`. The plain form shows a node and, below it, how it reaches
its device; `-v` is a table, whose cells are told apart by what they hold, because its columns do not line up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sosmlx.model import Evidence, Facet, Fact, Item, Setting, SettingClass, Unparsed
from sosmlx.parsers import values, vendor
from sosmlx.parsers.spec import BDF, Parser, heading
from sosmlx.record import HOST, Record

KIND = "mst.status"

HEAD = re.compile(
    r"\A(?![\s\S]*?^[^\S\n]*Configurations:[^\S\n])[\s\S]*?"
    r"^[^\S\n]*(?:MST (?:modules|devices):[^\S\n]*$|MST PCI (?:configuration )?module |DEVICE_TYPE[^\S\n]+MST\b"
    r"|(?:Start|Stopp)ing MST \(|/dev/mst/\S+[^\S\n]+- |\w+\(rev:\w+\)[^\S\n]+mt\d+_pci"
    r"|(?:NA|\w+\(rev:\w+\))[^\S\n]+(?:/dev/mst/|(?:NA[^\S\n]+)?[0-9a-fA-F:]{5,16}\.[0-7]\b))",
    re.MULTILINE,
)

CHANNEL = "channel.mst"
"""Evidence kind: the vendor's access modules and nodes give user space the device's registers, unseen by the kernel."""

FOLDER = "/dev/mst/"

_MODULES = {"PCI": "mst_pci", "PCI configuration": "mst_pciconf", "PPC Bus": "mst_ppc"}
_MODULE = re.compile(r"MST (PCI configuration|PCI|PPC Bus) module (is not loaded|(?:is )?loaded)\Z")
_TITLE = re.compile(r"(?:[A-Z][\w -]*(?:[Dd]evices?|modules)|Cables):\Z")
_START = re.compile(r"(?:(?:Start|Stopp)ing MST |(?:Unl|L)oading |Create devices|- (?:Success|Failure)|\[warn\])")
_COLUMNS = ("DEVICE_TYPE", "MST", "PCI", "RDMA", "NET", "NUMA", "VFIO", "FWCTL", "STATE")
_TYPE = re.compile(r"(?P<model>[\w.+-]+(?:\(TM\))?)\(rev:(?P<revision>\w+)\)\Z")
_NODE = re.compile(
    r"(?:/dev/(?:mst/)?)?(?P<card>mt\d+)_(?P<kind>pci_?cr|pciconf)(?P<index>\d*)(?P<function>\.\d+)?\Z|pci(?:\d+:){3}\d+\Z"
)
_OTHER_NODE = re.compile(r"(?:/dev/|\S*(?:cable_?\d|lid-|ibdr-))\S*\Z")
_REACH = re.compile(r"bus:dev\.fn=")
_REVISION = re.compile(r"Chip revision is:\s*(\w*)\Z")
_CELL = re.compile(r"(?:[A-Za-z][\w.,:-]*|-?\d+|N/A|/dev/fwctl/\w+)\Z")
_NUMBER = re.compile(r"-?\d+\Z")
_ABSENT = ("NA", "N/A")


class _Row(NamedTuple):
    """One row of the table; what a line below it adds goes into the same row."""

    number: int
    lines: list[str]
    words: list[str]


def status(text: str, record: Record) -> Iterator[Item]:
    """Yield which access modules are loaded, and each device's nodes, RDMA devices, netdevs and NUMA node."""
    rows: list[_Row] = []
    plain: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words and (_TYPE.match(words[0]) or (words[0] in _ABSENT and len(words) > 1)):
            rows.append(_Row(number, [line.strip()], words))
        elif rows and words and number == rows[-1].number + len(rows[-1].lines) and _goes_on(words):
            rows[-1].lines.append(line.strip())
            rows[-1].words.extend(words)
        elif words:
            plain.append((number, line))
    owners = {key: device for row in rows for key, device in [_owner(row)] if key and device}
    for row in rows:
        yield from _table_row(row, owners)
    yield from _plain(plain)


def _goes_on(words: list[str]) -> bool:
    """Tell whether a line is the rest of a row that was wrapped: cells that no line begins with."""
    return all(word.startswith(("net-", "vfio-", "/dev/fwctl/")) or _NUMBER.match(word) for word in words)


def _owner(row: _Row) -> tuple[str, str]:
    """Name the card and instance of a row's node, and its PCI address: another row of the card may lack it."""
    node = next((match for match in map(_NODE.match, row.words[1:]) if match), None)
    address = next((word.lower() for word in row.words[1:] if BDF.fullmatch(word)), "")
    return (f"{node['card']}/{node['index']}{node['function'] or ''}" if node and node["card"] else "", address)


def _table_row(row: _Row, owners: dict[str, str]) -> Iterator[Item]:
    key, address = _owner(row)
    path = next((word for word in row.words[1:] if _NODE.match(word)), "")
    device = address or owners.get(key, "") or path or f"device-{row.number}"
    cells = [word for word in row.words[1:] if word != path and word.lower() != address]
    yield vendor.named(device)
    strange = [word for word in cells if not _CELL.match(word)]
    for number, line in enumerate(row.lines, row.number):
        yield Unparsed(number, line) if strange else heading(device, line)
    kind = _TYPE.match(row.words[0])
    if kind:
        yield Fact(device, "model", kind["model"])
        yield Setting(device, "firmware", "device-type", "", (("current", values.text(kind["model"])),), "identity")
        yield _setting(device, "mst.revision", values.text(kind["revision"]), "identity")
    if path:
        yield from _node(device, path)
    elif len(row.words) > 1 and row.words[1] in _ABSENT:
        yield _setting(device, "mst.pciconf", vendor.stated(row.words[1]), "evidence")
    yield from _cells(device, [word for word in cells if word not in strange], " ".join(row.words))


def _cells(device: str, words: list[str], row: str) -> Iterator[Item]:
    """Tell the cells behind the address apart: `net-NAME`s, a NUMA node (the last number), and else RDMA devices."""
    netdevs: list[str] = []
    rdma: list[str] = []
    for word in words[1:] if words[:1] and words[0] in _ABSENT else words:
        if word.startswith("net-") or (netdevs and netdevs[-1].endswith((",", "net-"))):
            netdevs.append(word)
        elif _NUMBER.match(word):
            yield _setting(device, "numa_node", values.number(word), "config")
        elif word.startswith("/dev/fwctl/"):
            yield Fact(device, "fwctl", word.rpartition("/")[2])
        elif word == "recovery":
            yield _setting(device, "mst.state", values.text(word), "health")
            yield Evidence("health", device, "the device is in recovery (flash image not running)", "high")
        elif not word.startswith("vfio-") and word not in _ABSENT:
            rdma.append(word)
    for name in _split(rdma):
        yield Fact(device, "rdma", name)
    for name in _split(netdevs):
        yield Fact(device, "netdev", name)
    for name, cell in (("rdma", rdma), ("netdevs", netdevs)):
        if cell:
            whole = " ".join(cell)
            raw = whole if whole in row else cell[0]
            yield _setting(device, f"mst.{name}", Facet(tuple(_split(cell)), raw), "identity")


def _split(words: list[str]) -> list[str]:
    """List the names of a cell: joined by commas, each with the prefix `net-`, which a table may have torn off."""
    names = ",".join(words).replace("net-,", "net-").split(",")
    return [name[4:] if name.startswith("net-") else name for name in names if name]


def _node(device: str, path: str) -> Iterator[Item]:
    node = _NODE.match(path)
    kind = (node and node["kind"]) or "node"
    yield _setting(device, f"mst.{kind}", values.text(path), "evidence")
    yield Fact(device, "mst", path)
    yield Evidence(CHANNEL, device, f"{path} gives access to this device")


def _plain(lines: list[tuple[int, str]]) -> Iterator[Item]:
    """Read modules, titles and the plain form, where the lines below a node say which device it reaches."""
    waiting: tuple[int, str] | None = None
    device, kind = HOST, "node"
    for number, line in lines:
        words = line.split()
        node = _NODE.match(words[0])
        revision = _REVISION.match(line.strip())
        if node:
            if waiting is not None:
                yield from _nodes(*waiting)
            device, kind, waiting = HOST, node["kind"] or "node", (number, line.strip())
        if waiting is not None and _REACH.search(line):
            address = BDF.search(line)
            device = address[0].lower() if address else waiting[1].split()[0]
            yield from _reach(device, kind, waiting[1], line.strip())
            waiting = None
        elif revision and device != HOST:
            yield heading(device, line)
            yield _setting(device, f"mst.{kind}.chip-revision", vendor.stated(revision[1]), "identity")
        elif not node:
            yield from _other(number, line)
    if waiting is not None:
        yield from _nodes(*waiting)


def _reach(device: str, kind: str, title: str, line: str) -> Iterator[Item]:
    """Read `PATH - how` and the line below it: address, registers or window."""
    path, _, rest = title.partition(" ")
    how = rest.strip(" \t-")
    yield vendor.named(device)
    yield from (heading(device, row) for row in dict.fromkeys((title, line)))
    yield from _node(device, path)
    if how and "=" not in how:
        yield _setting(device, f"mst.{kind}.access", values.text(how), "evidence")
    for word in line.split():
        name, equals, value = word.partition("=")
        if equals and not name.endswith("dev.fn"):
            yield _setting(device, f"mst.{kind}.{name.replace('_', '-')}", values.number(value), "volatile")


def _nodes(number: int, line: str) -> Iterator[Item]:
    """Keep a node of which the text does not say what it reaches."""
    path, _, rest = line.partition(" ")
    yield vendor.named(path)
    yield from _node(path, path)
    if rest.strip():
        yield heading(path, line)


def _other(number: int, line: str) -> Iterator[Item]:
    bare = line.strip()
    words = bare.split()
    module = _MODULE.match(bare)
    if module:
        yield from _module(_MODULES[module[1]], module[2], bare)
    elif _TITLE.match(bare) or all(word in _COLUMNS for word in words):
        yield heading(HOST, line)
    elif len(words) == 1 and BDF.fullmatch(bare):
        yield vendor.named(bare.lower())
        yield heading(bare.lower(), line)
    elif _START.match(bare) or "Failure" in words:
        trouble = "Failure" in bare or "FATAL" in bare or "ERROR" in bare
        yield Evidence(CHANNEL, HOST, bare, "medium" if trouble else "info")
    elif bare.startswith("iSerial ") or (_OTHER_NODE.match(words[0]) and words[1:2] in ([], ["-"])):
        yield Evidence(CHANNEL, HOST, bare)
    else:
        yield vendor.remark(number, line, HOST)


def _module(name: str, state: str, line: str) -> Iterator[Item]:
    """State whether a module is loaded; one that is becomes a module of the host, as in `/proc/modules`."""
    loaded = not state.startswith("is not")
    facet = Facet(loaded, state)
    yield Setting(HOST, "module", f"{name}.loaded", "", (("current", facet),), "evidence")
    yield Evidence(CHANNEL, HOST, line, "medium" if loaded else "info")
    if loaded:
        yield Setting(HOST, "module", name, "", (("current", Facet("Live", state, "Live")),), "config")
        yield Fact(HOST, "module", name)


def _setting(device: str, name: str, facet: Facet, cls: SettingClass) -> Setting:
    return Setting(device, "pci", name, "", (("current", facet),), cls)


TABLE = (Parser(KIND, status, ("module", "pci"), HEAD, identity=True),)
