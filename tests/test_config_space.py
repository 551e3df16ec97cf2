"""PCI configuration space: what is asked of it, what is told of it, and what is never taken for an answer."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.bundle.write import Meta
from sosmlx.collectors.bus import BUS
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.pci import PCI
from sosmlx.model import Setting
from sosmlx.normalise import DISAGREEMENT, normalise
from sosmlx.parsers.config_space import show
from sosmlx.record import Answer, Bundle, Outcome, Record
from sosmlx.redact.bundle import Redaction
from sosmlx.redact.key import Key
from sosmlx.simulator.host import ScenarioSource, load, merge
from sosmlx.sources.config_space import dumped, registers
from sosmlx.sources.live import LiveSource
from sosmlx.sources.tree import TreeSource

PORT, BDF = "0000:3a:00.0", "0000:3b:00.0"
DEVICES = "/sys/bus/pci/devices"
PATH = f"{DEVICES}/{{{PORT},{BDF}}}/config"

ROOT_PORT = """\
00: 86 80 30 20 07 05 10 00 04 00 04 06 00 00 81 00
30: 00 00 00 00 40 00 00 00 00 00 00 00 0b 01 00 00
40: 10 00 42 01 22 80 00 00 3f 29
100: 03 00 01 14 11 22 33 ff fe 44 55 66
140: 0d 00 01 00 5f 00 1d 00
"""
ADAPTER = """\
00: b3 15 1d 10 46 05 10 00 00 00 00 02 08 00 80 00
30: 00 00 00 00 60 00 00 00 00 00 00 00 ff 01 00 00
60: 10 00 02 00 e2 8f 00 10 36 29
100: 0d 00 01 00 00 00 00 00
"""
SERIAL = range(0x104, 0x10C)


class Space(NamedTuple):
    """A configuration space, and the bytes of it that were read."""

    data: bytes
    touched: set[int]

    def read(self, at: int, size: int) -> bytes:
        found = self.data[at : at + size]
        self.touched.update(range(at, at + len(found)))
        return found


def space(dump: str, size: int = 4096) -> Space:
    return Space(dumped(dump)(0, size), set())


def host(**dumps: str) -> ScenarioSource:
    files = {f"{DEVICES}/{bdf}/config": dump for bdf, dump in ((PORT, dumps["port"]), (BDF, dumps["adapter"]))}
    found = merge(load("two-adapters-before"), {"files": files, "functions": {BDF: {"upstream": PORT}}})
    assert isinstance(found, dict)
    return ScenarioSource(found)


def told(settings: tuple[Setting, ...] | list[Setting], *names: str) -> dict[str, object]:
    found = {row.name: row.facet("current") for row in settings if row.device == BDF}
    return {name: facet.value for name in names if (facet := found.get(name)) is not None}


def record(*rows: str, outcome: Outcome = Outcome.COLLECTED) -> Record:
    return Record("1", "pci.config", "bus", BDF, Answer("".join(rows).encode(), outcome), path=PATH)


def lines(place: str, answer: Answer) -> str:
    return "".join(f"{place}/config = {row}\n" for row in answer.data.decode().splitlines())


def test_a_collection_tells_what_the_port_above_an_adapter_isolates() -> None:
    records = Engine(host(port=ROOT_PORT, adapter=ADAPTER)).collect([PCI, BUS])

    shown = normalise(Bundle("sim", "sim:x", tuple(records)))
    names = ("acs.present", "acs.cap.srcvalid", "upstream.1.express.type", "upstream.1.acs.present",
             "upstream.1.acs.cap.transblk", "upstream.1.acs.transblk", "upstream.1.acs.srcvalid",
             "upstream.1.acs.upstreamfwd", "express.max-payload", "upstream.1.express.max-payload")  # fmt: skip
    assert told(shown.settings, *names) == dict(
        zip(names, (True, False, "Root Port", True, True, False, True, True, 256, 256), strict=True)
    )


def test_no_register_is_read_that_nothing_is_told_of_and_no_serial_number() -> None:
    port = space(ROOT_PORT)

    registers(port.read)

    expected = {0x06, 0x07, 0x34, *range(0x40, 0x4A), *range(0x100, 0x104), *range(0x140, 0x148)}
    assert (port.touched, port.touched & set(SERIAL)) == (expected, set())


@pytest.mark.parametrize("size", [64, 256, 4096])
def test_a_host_gives_what_its_kernel_gives_and_the_rest_is_said_to_be_denied_or_beyond_reach(
    size: int, tmp_path: Path
) -> None:
    for place in (PORT, BDF):
        (tmp_path / DEVICES.strip("/") / place).mkdir(parents=True)
        (tmp_path / DEVICES.strip("/") / place / "config").write_bytes(space(ROOT_PORT, size).data)
    source = TreeSource(str(tmp_path))

    answer = source.read(PATH, "config", 5.0)
    source.close()

    items = list(show(answer.data.decode(), record()))
    settings = [item for item in items if isinstance(item, Setting)]
    reasons = {row.name: row.facets[0][1].reason[:30] for row in settings if row.name.endswith("acs.present")}
    ways = ("acs.present", "upstream.1.acs.present")
    assert (answer.outcome, reasons) == {
        64: (Outcome.DENIED, dict.fromkeys(ways, "unread: denied: EPERM: of conf")),
        256: (Outcome.COLLECTED, dict.fromkeys(ways, "unread: of its configuration s")),
        4096: (Outcome.COLLECTED, dict.fromkeys(ways, "")),
    }[size]


def test_what_only_root_may_read_makes_the_plane_partial_and_says_why() -> None:
    records = Engine(host(port=ROOT_PORT, adapter=ADAPTER)).collect([PCI, BUS])
    cut = [row if row.kind != "pci.config" else record(outcome=Outcome.DENIED) for row in records]

    shown = normalise(Bundle("sim", "sim:x", tuple(cut)))
    row = next(row for row in shown.coverage if (row.device, row.plane) == (BDF, "pci"))
    assert (row.status, f"{PATH}: denied" in row.reason) == ("partial", True)


def test_lspci_and_our_own_read_meet_under_one_key_and_ours_counts() -> None:
    text = f"{BDF} Ethernet controller [0200]: Mellanox Technologies [15b3:101d]\n\tACSCtl:\tSrcValid+ TransBlk-\n"
    twin = Record("2", "lspci.show", "bus", BDF, Answer(text.encode()), argv=("lspci", "-nnvvv"))
    ours = record(lines(BDF, registers(space(ADAPTER).read)))

    shown = normalise(Bundle("live", "live:", (twin, ours)))

    said = [row.text.partition(" current:")[0] for row in shown.evidence if row.kind == DISAGREEMENT]
    assert (told(shown.settings, "acs.srcvalid", "acs.transblk"), said) == (
        {"acs.srcvalid": False, "acs.transblk": False}, ["pci acs.srcvalid"],
    )  # fmt: skip


def test_redaction_leaves_the_registers_as_they_are() -> None:
    wide = ROOT_PORT.replace("5f 00 1d 00", "7f 00 3d 00 " + " ".join(f"{byte:02x}" for byte in range(0xA0, 0xC0)))
    before = record(lines(PORT, registers(space(wide).read)), lines(BDF, registers(space(ADAPTER).read)))

    (after,) = Redaction(
        [before], Meta("node7", datetime(2026, 11, 24, tzinfo=timezone.utc), "0a1b2c3d"), Key(bytes(32))
    ).records()

    assert after.data == before.data


@pytest.mark.parametrize(
    "dump",
    [
        "06: 10 00\n34: 40\n40: 01 40\n",
        "06: 10 00\n34: 40\n40: 10 00 42 01\n100: 01 00 01 10\n",
        "06: ff ff\n",
    ],
    ids=["circle", "extended-circle", "ones"],
)
def test_a_walk_that_does_not_come_to_its_end_says_neither_yes_nor_no(dump: str) -> None:
    text = lines(BDF, registers(space(dump).read))

    items = [item for item in show(text, record()) if isinstance(item, Setting)]

    assert told(items, "acs.present") == {"acs.present": None}


@given(data=st.binary(max_size=64), at=st.integers(0, 0x180), status=st.sampled_from([b"\x10\x00", b"\x00\x00", b""]))
def test_any_space_is_read_within_bounds_and_every_line_of_it_is_understood(
    data: bytes, at: int, status: bytes
) -> None:
    image = bytearray(dumped(ROOT_PORT)(0, 4096))
    image[at : at + len(data)] = data
    image[6 : 6 + len(status)] = status
    reads: list[int] = []

    def read(place: int, size: int) -> bytes:
        reads.append(place)
        return bytes(image[place : place + size])

    items = list(show(lines(BDF, registers(read)), record()))

    assert (len(reads) <= 2 * (48 + 480) + 8, [item for item in items if type(item).__name__ == "Unparsed"]) == (
        True,
        [],
    )


def test_a_port_that_is_not_there_is_no_line_and_takes_no_ones_number() -> None:
    source = LiveSource(
        lambda path, how: registers(space(ADAPTER).read) if BDF in path else Answer(outcome=Outcome.ABSENT)
    )

    answer = source.read(PATH, "config", 5.0)
    source.close()

    items = list(show(answer.data.decode(), record()))
    assert {item.name.partition(".")[0] for item in items if isinstance(item, Setting)} == {
        "express", "extended-capabilities", "acs",
    }  # fmt: skip
