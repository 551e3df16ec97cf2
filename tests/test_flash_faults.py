"""What goes wrong with a firmware: it is said in words, and costs neither the rest of it nor the other devices."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from sosmlx.collectors.engine import Engine
from sosmlx.collectors.fwctl import FWCTL
from sosmlx.collectors.pci import PCI
from sosmlx.fwctl.registers import encode
from sosmlx.model import Coverage, Setting, Snapshot
from sosmlx.normalise import normalise
from sosmlx.record import Access, Answer, Bundle, Outcome, Record
from sosmlx.simulator.host import ScenarioSource
from tests import flashes

OTHER = "0000:af:00.0"


def collected(**firmware: object) -> tuple[list[Record], Snapshot]:
    """Read a host whose first adapter has these faults, and whose second has none."""
    functions = {
        flashes.BDF: flashes.function("ConnectX-7", **firmware),
        OTHER: {**flashes.function("ConnectX-6 Dx"), "fwctl": "fwctl1"},
    }
    records = flashes.records(ScenarioSource(flashes.host(functions)))
    return records, normalise(Bundle("sim", "sim:faults", tuple(records), host="n07"))


def flash_of(snapshot: Snapshot, device: str) -> Coverage:
    return next(row for row in snapshot.coverage if (row.device, row.plane) == (device, "nvconfig"))


def mine(snapshot: Snapshot, name: str) -> list[Setting]:
    return [row for row in snapshot.settings if (row.device, row.name) == (flashes.BDF, name)]


WHOLE = flash_of(collected()[1], flashes.BDF)
WHOLE_OTHER = flash_of(collected()[1], OTHER)


class Case(NamedTuple):
    """A fault, and what must be said of the first read that met it, and of the flash as a whole."""

    fault: dict[str, object]
    outcome: Outcome
    words: str
    status: str
    lost: int | None
    """How many settings of flash are not there; None where most of them are not."""


ITEM = {"register": "MNVDA", "fields": {"type": 0x80, "access_mode": 0, "writer_id": 0}}
CASES = {
    "an item that cannot be read": Case({**ITEM, "status": 1}, Outcome.FAILED, "INT_ERR (0x1)", "partial", 0),
    "an item that is not stored": Case(
        {**ITEM, "status": 5}, Outcome.ABSENT, "not-stored: BAD_RES (0x5)", "complete", 0
    ),
    "a short answer": Case({**ITEM, "short": 40}, Outcome.TRUNCATED, "24 of 268 bytes of the register", "partial", 0),
    "less than a header": Case({**ITEM, "short": 3}, Outcome.FAILED, "the answer has 3 bytes", "partial", 0),
    "an item that nobody answers about": Case(
        {"register": "MNVQC", "fields": {"type": 0x80}, "status": 2}, Outcome.FAILED, "BAD_OP (0x2)", "partial", None
    ),
    "an item that the firmware does not know": Case(
        {"register": "MNVQC", "fields": {"type": 0x80}, "status": 3}, Outcome.UNSUPPORTED, "BAD_PARAM", "complete", 29
    ),
    "no list of what is stored": Case(
        {"register": "MNVGN", "status": 4}, Outcome.UNSUPPORTED, "BAD_SYS_STATE (0x4)", "complete", 0
    ),
    "no word on the views": Case(
        {"register": "MNVGC", "status": 3}, Outcome.UNSUPPORTED, "BAD_PARAM (0x3)", "partial", 0
    ),
    "a firmware that hangs": Case(
        {**ITEM, "hang": True}, Outcome.ABANDONED, "no answer within 10 s; process 4711", "partial", None
    ),
    "a device that goes away": Case(
        {**ITEM, "errno": "ENODEV"}, Outcome.VANISHED, "ENODEV: the driver let go", "partial", None
    ),
    "a driver that gives up": Case(
        {**ITEM, "errno": "ETIMEDOUT"}, Outcome.TIMEOUT, "ETIMEDOUT: the firmware did not", "partial", None
    ),
    "an item that the kernel does not pass on": Case(
        {**ITEM, "errno": "EBADMSG"}, Outcome.UNSUPPORTED, "EBADMSG: the driver does not", "partial", 0
    ),
    "a node that cannot be opened": Case(
        {"register": "open", "errno": "EACCES"}, Outcome.DENIED, "EACCES: only root", "unknown", None
    ),
    "a node that does not say who it is": Case(
        {"register": "info", "hang": True}, Outcome.ABANDONED, "no answer within 10 s", "unknown", None
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_said_in_words_and_costs_no_other_device_anything(name: str) -> None:
    case = CASES[name]

    records, snapshot = collected(faults=[case.fault])

    met = [
        record for record in records if record.outcome is case.outcome and record.answer.reason.startswith(case.words)
    ]
    flash = flash_of(snapshot, flashes.BDF)
    few = case.lost is None or WHOLE.read - flash.read == case.lost
    assert (bool(met), flash.status, few, flash_of(snapshot, OTHER)) == (True, case.status, True, WHOLE_OTHER)


def test_an_answer_of_an_impossible_length_is_no_value_and_not_fine() -> None:
    records, _ = collected()
    at = next(at for at, record in enumerate(records) if str(record.register or "").startswith(
        "fwctl0 MNVDA access_mode=0 length=0x100 type=0x80 writer_id=0"
    ))  # fmt: skip
    data = bytearray(records[at].data)
    data[16 + 2 : 16 + 4] = b"\x01\xff"
    records[at] = replace(records[at], answer=replace(records[at].answer, data=bytes(data)))

    snapshot = normalise(Bundle("sim", "sim:length", tuple(records), host="n07"))

    facets = {facet.reason for row in mine(snapshot, "NUM_OF_VFS") for name, facet in row.facets if name == "next"}
    said = "unread: the answer names 511 bytes of data and holds 256"
    assert (facets, flash_of(snapshot, flashes.BDF).status) == ({said}, "partial")


def test_a_hung_device_is_asked_no_more_and_every_read_left_out_says_why() -> None:
    records, _ = collected(faults=[{**ITEM, "hang": True}])

    skipped = {record.answer.reason for record in records if record.outcome is Outcome.SKIPPED}
    words = "fwctl0 MNVDA access_mode=0 length=0x100 type=0x80 writer_id=0"
    assert skipped == {f"breaker: fwctl of 0000:3b:00.0 gave no answer to `{words}`"}


@pytest.mark.parametrize(
    ("firmware", "facets"),
    [
        ({"factory_readable": False}, ["current", "next"]),
        ({"current_readable": False}, ["default", "next"]),
        ({"factory_readable": False, "current_readable": False}, ["next"]),
    ],
)
def test_a_view_that_the_firmware_does_not_show_is_not_there_and_that_is_said(
    firmware: dict[str, object], facets: list[str]
) -> None:
    _, snapshot = collected(**firmware)

    shown = {name for row in mine(snapshot, "NUM_OF_VFS") for name, _ in row.facets}
    said = [row.text.split("'")[1] for row in snapshot.evidence if row.kind == "nvconfig.view"]
    assert (sorted(shown), sorted([*said, *facets])) == (facets, ["current", "default", "next"])


def test_a_firmware_that_repeats_the_request_gives_nobody_a_writer() -> None:
    _, snapshot = collected(echo=True, faults=[{"register": "MNVGN", "status": 2}])

    writers = {facet.writer for row in mine(snapshot, "NUM_OF_VFS") for _, facet in row.facets}
    said = {(writer.partition(" (")[0], writer.rpartition(", ")[2]) for writer in writers if writer}
    assert said == {("unknown: the NV area was not walked to its end", "and the firmware repeats what it is asked")}


def test_where_the_stored_items_cannot_be_listed_an_honest_answer_s_own_header_names_the_writer() -> None:
    _, snapshot = collected(writers={"NUM_OF_VFS": "BMC"}, faults=[{"register": "MNVGN", "status": 2}])

    facet = mine(snapshot, "NUM_OF_VFS")[0].facet("next")
    assert facet is not None
    assert (facet.writer[:7], facet.writer.rpartition(", ")[2]) == ("BMC (3)", "by the item's own answer")


def test_a_walk_that_an_answer_cut_short_gives_nobody_for_a_writer() -> None:
    stored = [{"type": word, "data": "00010203", "writer": "BMC"} for word in (0x197, 0x198, 0x199)]
    _, snapshot = collected(stored=stored, faults=[{"register": "MNVGN", "short": 30, "after": 1}])

    facet = mine(snapshot, "NUM_OF_VFS")[0].facet("next")
    assert facet is not None
    assert facet.writer.partition(" (")[0] == "unknown: the NV area was not walked to its end"


def test_without_tools_resources_the_firmware_s_refusals_are_what_is_shown() -> None:
    records, snapshot = collected(uctx_caps=0)

    answered = {
        record.register.register
        for record in records
        if record.register and record.register.node == "fwctl0" and record.outcome is Outcome.COLLECTED
    }
    flash = flash_of(snapshot, flashes.BDF)
    assert (answered, flash.status, "BAD_RES" in flash.reason) == ({"MGIR", "MCAM"}, "unknown", True)


def test_a_node_of_another_vendor_s_device_is_asked_nothing_but_who_it_is() -> None:
    records, _ = collected(device_type=2)

    asked = [record.kind for record in records if record.subject == flashes.BDF and record.channel == "fwctl"]
    assert asked == ["fwctl.info"]


def test_stored_items_that_run_in_a_circle_come_to_an_end() -> None:
    class Circle(ScenarioSource):
        """A host whose firmware gives pointers 0x40, 0x80, 0x40, 0x80, … and never 0."""

        def register(self, access: Access, deadline: float) -> Answer:
            if access.register != "MNVGN":
                return super().register(access, deadline)
            following = 0x80 if dict(access.fields)["nv_pointer"] == 0x40 else 0x40
            return Answer(bytes(16) + encode("MNVGN", {"nv_pointer": following, "type": 0x80, "length": 4}))

    found = flashes.records(Circle(flashes.host({flashes.BDF: flashes.function("ConnectX-5")})))

    asked = [str(record.register).split("=")[1] for record in found if record.kind == "register.mnvgn"]
    assert asked == ["0", "0x40", "0x80"]


UNKNOWN = {"type": 0x197, "data": "00010203", "writer": "BMC"}
SECRET = {"type": 3 << 24 | 569, "data": b"hunter2hunter2".hex() + "0000", "writer": "ICMD_UEFI_HII"}


def test_an_item_that_no_catalogue_has_is_counted_and_shown_by_its_digest() -> None:
    _, snapshot = collected(stored=[UNKNOWN])

    row = next(row for row in snapshot.settings if row.name == "item.0x00000197")
    facet = row.facet("next")
    flash = flash_of(snapshot, flashes.BDF)
    assert facet is not None
    assert (facet.value, facet.writer.partition(",")[0], flash.status, flash.unknown, flash.reason) == (
        "4 bytes, sha256 054edec1d0211f62", "BMC (3)", "complete", 1,
        "1 stored item is in no catalogue, and compared by digest",
    )  # fmt: skip


def test_a_secret_is_in_no_record_and_its_change_is_still_seen() -> None:
    records, snapshot = collected(stored=[SECRET])
    _, other = collected(stored=[{**SECRET, "data": b"swordfish-again".hex() + "00"}])

    held = [record for record in records if b"hunter2" in record.data]
    values = [facet.value for side in (snapshot, other) for row in side.settings if row.name == "item.0x03000239"
              for _, facet in row.facets]  # fmt: skip
    assert (held, len(set(values)), {str(value)[:40] for value in values}) == (
        [], 2, {"16 bytes; a secret was left out; digest "},
    )  # fmt: skip


def test_items_of_another_function_are_said_to_be_out_of_sight() -> None:
    _, snapshot = collected(stored=[{"type": 3 << 24 | 1 << 10 | 0x80, "data": "00" * 16, "host_id_valid": 1}])

    said = [row.text for row in snapshot.evidence if row.kind == "nvconfig.other-function"]
    assert said == ["item 0x03000480 of host 0, function 1: not visible from here"]


def test_nothing_is_asked_when_the_time_for_the_whole_run_is_over() -> None:
    source = flashes.one("ConnectX-7")

    Engine(source, max_seconds=0).collect([PCI, FWCTL])

    assert source.nics["fwctl0"].requests == []


def test_every_node_is_closed_when_the_collection_is_over() -> None:
    source = flashes.one("ConnectX-7")

    flashes.records(source)

    assert source.nics["fwctl0"]._open == set()
