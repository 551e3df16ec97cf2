"""The flash configuration from the firmware's bytes: names, values, writers, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from sosmlx.diff.compare import Comparison, compare_bundles
from sosmlx.fwctl.catalogue import Tlv, builtin
from sosmlx.model import Difference, Setting, Snapshot
from sosmlx.normalise import normalise
from sosmlx.record import Access, Bundle, Record
from sosmlx.simulator import values
from sosmlx.simulator.flash import CURRENT, FACTORY, NEXT, USER, Item, Kind, owned
from sosmlx.simulator.host import ScenarioSource
from sosmlx.simulator.nic import Nic
from sosmlx.sources.text import from_bytes
from tests import flashes


def settings(snapshot: Snapshot) -> dict[str, Setting]:
    return {setting.name: setting for setting in snapshot.settings if setting.plane == "nvconfig"}


def text_of(source: ScenarioSource, node: str = "fwctl0") -> Bundle:
    """Query the adapter with the vendor's tool, which this host then has."""
    scenario = {**source._scenario, "tools": {"mstconfig": "mstconfig, mstflint 4.36.0-1"}}
    printed = ScenarioSource(scenario)
    printed.nics = source.nics
    return from_bytes(printed.run(("mstconfig", "-d", node, "-e", "q"), 5).data, "q.txt")


@pytest.mark.parametrize("profile", flashes.PROFILES)
def test_a_bundle_and_the_vendor_tool_s_text_of_one_adapter_do_not_differ(profile: str) -> None:
    source = flashes.one(profile)

    found = compare_bundles(flashes.bundle(source), text_of(source))

    compared = {row.name for row in found.right.settings}
    assert (found.differences, found.gaps, len(compared) > 150) == ((), (), True)


@pytest.mark.parametrize("profile", flashes.PROFILES)
def test_a_parameter_that_the_text_has_otherwise_is_the_one_difference(profile: str) -> None:
    source = flashes.one(profile)
    text = text_of(source)
    nic = source.nics["fwctl0"]
    word, old = 0x80, nic.flash.view(0x80, NEXT, 0)
    nic.flash.store(Item(word, old.data[:-1] + bytes([old.data[-1] ^ 1]), 0, 9))

    found = compare_bundles(text, flashes.bundle(source))

    assert {(row.name, row.facet) for row in found.differences} == {("PF_LOG_BAR_SIZE", "next")}


def stored_everywhere(profile: str) -> ScenarioSource:
    """Make an adapter that knows every catalogued item, each stored as the factory has it."""
    source = flashes.one(profile)
    nic = source.nics["fwctl0"]
    for tlv in builtin():
        newest = max([tlv.version, *(param.since for param in tlv.params)])
        nic.flash.kinds[tlv.cls, tlv.index] = Kind(tlv.size, newest, not tlv.capability)
    for word in words(nic):
        nic.flash.factory[owned(word, 0)] = nic.flash.view(word, FACTORY, 0).data
        nic.flash.current[owned(word, 0)] = nic.flash.view(word, CURRENT, 0).data
        nic.flash.store(Item(owned(word, 0), nic.flash.view(word, FACTORY, 0).data, writer_id=4))
    return source


def words(nic: Nic) -> list[int]:
    return [
        word
        for tlv in builtin()
        for _, word in values.instances(tlv, nic.flash.ports)
        if nic.flash.kind(word) is not None
    ]


SOURCE = stored_everywhere("ConnectX-7")
NIC = SOURCE.nics["fwctl0"]
BASE = flashes.records(SOURCE)


def of_item(records: Sequence[Record], word: int) -> Bundle:
    """Keep what one item's settings rest on: its own answers, and those about the device."""
    kept = [
        record
        for record in records
        if record.register is None
        or record.register.register in ("MGIR", "MNVGC")
        or dict(record.register.fields).get("type") == word
        or (record.register.register == "MNVGN" and int.from_bytes(record.data[0x24:0x28], "big") == word)
    ]
    return Bundle("sim", "sim:item", tuple(kept), host="n07")


def again(records: Sequence[Record], word: int) -> Bundle:
    """Read the same again, and walk the stored items anew."""
    kept = [record for record in of_item(records, word).records if record.kind != "register.mnvgn"]
    found = [_asked(record, record.register) if record.register else record for record in kept]
    return Bundle("sim", "sim:item", (*found, *_walk(word)), host="n07")


def _asked(record: Record, access: Access) -> Record:
    return replace(record, answer=SOURCE.register(access, 5))


def _walk(word: int) -> Iterator[Record]:
    pointer = 0
    for number in range(500):
        access = Access("fwctl0", "MNVGN", (("nv_pointer", pointer),))
        record = Record(
            f"w{number}", "register.mnvgn", "fwctl", flashes.BDF, SOURCE.register(access, 5), register=access
        )
        pointer = int.from_bytes(record.data[16:20], "big")
        if not pointer:
            yield record
            return
        if int.from_bytes(record.data[0x24:0x28], "big") == word:
            yield record


def changed(word: int, tlv: Tlv, offset: int, width: int, view: int) -> Difference | list[Difference]:
    """Change one field in one view, compare, and put it back; the one difference, or what came instead."""
    own = owned(word, 0)
    old = NIC.flash.view(word, view, 0).data
    shift = tlv.size * 8 - offset - width
    flipped = (int.from_bytes(old, "big") ^ 1 << shift).to_bytes(tlv.size, "big")
    _put(own, view, flipped, writer=10)
    try:
        found = compare_bundles(of_item(BASE, word), again(BASE, word))
    finally:
        _put(own, view, old, writer=4)
    return found.differences[0] if len(found.differences) == 1 and not found.gaps else list(found.differences)


def _put(own: int, view: int, data: bytes, writer: int) -> None:
    if view == NEXT:
        NIC.flash.store(Item(own, data, writer_id=writer))
    else:
        (NIC.flash.factory if view == FACTORY else NIC.flash.current)[own] = data


VIEWS = {FACTORY: "default", CURRENT: "current", NEXT: "next"}


@pytest.mark.parametrize("tlv", [tlv for tlv in builtin() if not tlv.capability], ids=lambda tlv: tlv.name)
def test_changing_any_catalogued_parameter_is_exactly_that_difference_with_its_writer(tlv: Tlv) -> None:
    wrong = []
    for _, word in values.instances(tlv, 1):
        for param in tlv.params:
            width = param.width // (param.count or 1)
            for element in range(param.count or 1):
                for view, facet in VIEWS.items():
                    row = changed(word, tlv, param.offset + element * width, width, view)
                    name = param.name or f"{tlv.name}.{param.field}"
                    if not (isinstance(row, Difference) and row.name.startswith(name) and row.facet == facet):
                        wrong.append((param.field, element, facet, row))
                    elif view == NEXT and not (row.right and row.right.writer.startswith("ICMD_USER1 (10)")):
                        wrong.append((param.field, element, "writer", row))

    assert wrong == []


def test_a_host_that_is_locked_down_and_has_no_tool_shows_its_whole_flash() -> None:
    found = normalise(flashes.bundle(flashes.one("ConnectX-7")))

    flash = [(row.status, row.read > 300) for row in found.coverage if row.plane == "nvconfig"]
    assert flash == [("complete", True)]


def test_a_parameter_that_nobody_stored_has_nobody_as_its_writer() -> None:
    found = settings(normalise(flashes.bundle(flashes.one("ConnectX-7"))))

    facet = found["NUM_OF_VFS"].facet("next")
    assert facet is not None
    assert facet.writer == "nobody, nothing is stored"


def test_every_level_of_an_item_is_named_with_its_own_writer() -> None:
    source = flashes.one("ConnectX-7")
    nic = source.nics["fwctl0"]
    data = nic.flash.view(0x80, FACTORY, 0).data
    for priority, writer in ((USER, 9), (1, 3)):
        nic.flash.store(Item(0x80, data, writer_id=writer, priority=priority))

    facet = settings(normalise(flashes.bundle(source)))["NUM_OF_VFS"].facet("next")

    assert facet is not None
    assert facet.writer == (
        "ICMD_MLXCONFIG (9), host 0, priority USER, over-ride allowed, read-enable 0; "
        "BMC (3), host 0, priority OEM, over-ride allowed, read-enable 0"
    )


DUAL = {
    flashes.BDF: flashes.function("ConnectX-7", ports=2),
    "0000:3b:00.1": {**flashes.function("ConnectX-7", ports=2), "fwctl": "fwctl1"},
}


def test_what_belongs_to_the_asic_is_one_setting_and_what_belongs_to_a_function_is_two() -> None:
    found = normalise(flashes.bundle(ScenarioSource(flashes.host(DUAL))))

    owners = {
        name: sorted(row.device[-1] for row in found.settings if row.name == name and row.plane == "nvconfig")
        for name in ("NUM_OF_VFS", "LINK_TYPE_P1", "LINK_TYPE_P2", "ADVANCED_PCI_SETTINGS", "ROCE_CONTROL")
    }
    assert owners == {
        "NUM_OF_VFS": ["0"], "LINK_TYPE_P1": ["0"], "LINK_TYPE_P2": ["0"], "ADVANCED_PCI_SETTINGS": ["0"],
        "ROCE_CONTROL": ["0", "1"],
    }  # fmt: skip


def test_two_functions_that_disagree_about_their_asic_are_evidence() -> None:
    records = flashes.records(ScenarioSource(flashes.host(DUAL)))
    at = next(
        number
        for number, record in enumerate(records)
        if record.register
        and record.register.node == "fwctl1"
        and record.register.register == "MNVDA"
        and dict(record.register.fields) == {"access_mode": 0, "length": 256, "type": 0x80, "writer_id": 0}
    )
    data = bytearray(records[at].data)
    data[16 + 12 + 7] ^= 1  # NUM_OF_VFS
    records[at] = Record(
        records[at].id, records[at].kind, "fwctl", records[at].subject, type(records[at].answer)(bytes(data)),
        register=records[at].register,
    )  # fmt: skip

    found = normalise(Bundle("sim", "sim:dual", tuple(records)))

    words = [row.text.partition(":")[0] for row in found.evidence if row.kind == "disagreement"]
    assert words == ["nvconfig NUM_OF_VFS next"]


@pytest.mark.parametrize("node", ["fwctl0", "fwctl1"])
def test_a_text_of_either_function_of_a_card_does_not_differ_from_the_card_s_bundle(node: str) -> None:
    source = ScenarioSource(flashes.host(DUAL))

    found = compare_bundles(text_of(source, node), flashes.bundle(source))

    matched = [match.match for match in found.matches if match.left and match.right]
    assert (found.differences, found.gaps, matched) == ((), (), ["fwctl node"])


def test_a_bundle_read_later_from_the_same_adapter_does_not_differ() -> None:
    source = flashes.one("BlueField-3")

    found: Comparison = compare_bundles(flashes.bundle(source), flashes.bundle(source))

    assert (found.differences, found.gaps, found.scope) == ((), (), ())
