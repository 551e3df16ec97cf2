"""What firmware an adapter runs: its kind and version (MGIR), its components (MCQS, MCQI) and its names (MQIS).

Registers and their fields: `sosmlx.fwctl.registers`. What numbers mean: the PRM's register table as mstflint holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sosmlx.fwctl.layout import Value
from sosmlx.fwctl.mailbox import response, status_words
from sosmlx.fwctl.registers import REGISTERS, decode
from sosmlx.model import Evidence, Facet, Fact, Item, Plane, Setting, SettingClass, Unparsed
from sosmlx.record import Outcome, Record

PRODUCTION = ("mgir.dev", "mgir.debug", "mgir.development")
"""Settings that are all false where production firmware runs on a production device."""

KIND = "firmware.kind"
"""Evidence kind: firmware that is not what a customer's adapter should run."""

PENDING = "firmware.pending"
"""Evidence kind: a component was updated and waits for a reset."""


class Answer(NamedTuple):
    """One register as the firmware gave it; a field that the image is too short for is not in `fields`."""

    record: Record
    register: str
    image: bytes
    fields: Mapping[str, Value]

    def number(self, name: str) -> int | None:
        """Return a field, or None where the answer does not hold it."""
        value = self.fields.get(name)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str | None:
        """Return an array of characters as text, empty where it holds none; None where it holds something else."""
        value = self.fields.get(name, ())
        return ascii_text(bytes(value)) if isinstance(value, tuple) else None

    def asked(self, name: str) -> int:
        """Return a selector: what was asked, and only where that is not known what the answer says of it."""
        asked = dict(self.record.register.fields) if self.record.register is not None else {}
        return asked.get(name, self.number(name) or 0)

    def setting(
        self, name: str, facet: Facet, cls: SettingClass = "evidence", view: str = "current", plane: Plane = "firmware"
    ) -> Setting:
        """Make a setting of the function that was asked."""
        return Setting(self.record.function, plane, name, "", ((view, facet),), cls, self.record.id)

    def evidence(self, kind: str, text: str, severity: str = "info") -> Evidence:
        """Make an observation about the function that was asked."""
        return Evidence(kind, self.record.function, text, severity, record=self.record.id)

    def unread(self, text: str) -> Unparsed:
        """Keep what could not be read."""
        return Unparsed(1, f"{self.register}: {text}", self.record.id)


def answer(record: Record) -> Answer | Unparsed:
    """Take the answer to a register read apart; the second is one that says nothing."""
    register = record.kind.partition(".")[2].upper()
    try:
        said = response(record.data)
    except ValueError as error:
        return Unparsed(1, f"{register}: {error}", record.id)
    if said.status:
        return Unparsed(1, f"{register}: {status_words(said.status, said.syndrome)}", record.id)
    if said.data and not said.data.strip(b"\xff"):
        return Unparsed(1, f"{register}: all bits of {len(said.data)} bytes are set: no device answers so", record.id)
    if register == "MGIR" and not said.data.strip(b"\0"):
        return Unparsed(1, f"MGIR: all bits of {len(said.data)} bytes are clear: no device is nothing", record.id)
    return Answer(record, register, said.data, decode(register, said.data))


def short(found: Answer) -> Iterator[Item]:
    """Say that an answer is shorter than its register, unless the read says so itself."""
    size = REGISTERS[found.register].size
    if len(found.image) < size and found.record.outcome is not Outcome.TRUNCATED:
        yield found.unread(f"{len(found.image)} of {size} bytes: {found.image.hex()}")


def ascii_text(data: bytes) -> str | None:
    """Read characters up to the first NUL, without blanks around them; None where one is no printable ASCII.

    >>> ascii_text(b"MT_0000000359" + bytes(3)), ascii_text(bytes(4)), ascii_text(bytes([0x4D, 0xFF]))
    ('MT_0000000359', '', None)
    """
    head = data.partition(b"\x00")[0]
    return head.decode("ascii").strip() if all(0x20 <= byte < 0x7F for byte in head) else None


def named(number: int, words: Mapping[int, str]) -> Facet:
    """Type an enumerated field; a number without a word stays a number.

    >>> named(2, {2: "APPLIED"})[:3]
    (2, 'APPLIED(2)', 'APPLIED')
    """
    word = words.get(number, "")
    return Facet(number, f"{word}({number})" if word else str(number), word)


def bits(number: int, words: Mapping[int, str]) -> list[str]:
    """Name the bits that are set.

    >>> bits(0x48, {3: "hot reset"})
    ['hot reset', 'bit 6']
    """
    return [words.get(place, f"bit {place}") for place in range(number.bit_length()) if number >> place & 1]


_FLAGS = (
    ("fw_info.dev", "mgir.dev"), ("fw_info.debug", "mgir.debug"), ("hw_info.development", "mgir.development"),
    ("fw_info.dev_sc", "mgir.dev_sc"), ("fw_info.signed_fw", "mgir.signed_fw"), ("fw_info.secured", "mgir.secured"),
    ("fw_info.sec_boot", "mgir.sec_boot"), ("fw_info.encryption", "mgir.encryption"),
)  # fmt: skip
_REMARKS: Mapping[tuple[str, bool], tuple[str, str]] = {
    ("mgir.dev", True): ("development firmware runs (MGIR dev)", "high"),
    ("mgir.debug", True): ("debug firmware runs (MGIR debug)", "high"),
    ("mgir.development", True): ("a development device or firmware (MGIR development)", "high"),
    ("mgir.dev_sc", True): ("MGIR dev_sc is set", "info"),
    ("mgir.signed_fw", False): ("the firmware is not signed (MGIR signed_fw)", "info"),
    ("mgir.secured", False): ("the firmware is not secured (MGIR secured)", "info"),
}
_LIFE_CYCLE = {0: "PRODUCTION", 1: "GA_SECURED", 2: "GA_NON_SECURED", 3: "RMA", 4: "PRE_PRODUCTION"}
_PLAIN = (
    ("fw_info.build_id", "mgir.build_id"),
    ("fw_info.ini_file_version", "mgir.ini_file_version"),
    ("hw_info.device_hw_revision", "mgir.device_hw_revision"),
)


def identity(found: Answer) -> Iterator[Item]:
    """MGIR: who this is, which firmware runs, and of which kind it is."""
    device = found.record.function
    yield from short(found)
    number = found.number("hw_info.device_id")
    if number not in (None, 0, 0xFFFF):
        yield Fact(device, "device_id", f"{number:#06x}")
    psid = found.text("fw_info.psid")
    if psid:
        yield found.setting("fw.psid", Facet(psid, psid), "identity")
        yield Fact(device, "psid", psid)
    elif psid is None:
        yield found.unread(f"fw_info.psid is no text: {found.image[0x30:0x40].hex()}")
    version = _version(found)
    if version:
        yield found.setting("fw.version", Facet(version, version), "firmware", "running")
        yield Fact(device, "fw.version.running", version)
    mac = (found.number("hw_info.manufacturing_base_mac_47_32") or 0, found.number(_MAC_LOW) or 0)
    if any(mac) and _MAC_LOW in found.fields and mac != (0xFFFF, 0xFFFFFFFF):
        address = f"{mac[0]:04x}{mac[1]:08x}"
        yield found.setting("mgir.base_mac", Facet(address, address), "identity")
        yield Fact(device, "base_mac", address)
    yield from _kind(found)
    yield from _built(found)


_MAC_LOW = "hw_info.manufacturing_base_mac_31_0"


def _version(found: Answer) -> str:
    """Spell the version as devlink does; firmware that has the wide fields leaves the narrow ones truncated."""
    for names in (
        ("fw_info.extended_major", "fw_info.extended_minor", "fw_info.extended_sub_minor"),
        ("fw_info.major", "fw_info.minor", "fw_info.sub_minor"),
    ):
        major, minor, sub = (found.number(name) for name in names)
        if major is None or minor is None or sub is None or max(major, minor, sub) > 0xFFFF:
            return ""
        if major or minor or sub:
            return f"{major}.{minor}.{sub:04d}"
    return ""


def _kind(found: Answer) -> Iterator[Item]:
    for field, name in _FLAGS:
        value = found.number(field)
        if value is None:
            continue
        yield found.setting(name, Facet(bool(value), str(value)))
        text, severity = _REMARKS.get((name, bool(value)), ("", ""))
        if text:
            yield found.evidence(KIND, text, severity)
    low, high = found.number("fw_info.life_cycle"), found.number("fw_info.life_cycle_msb")
    if low is not None and high is not None:
        yield found.setting("mgir.life_cycle", named(high << 2 | low, _LIFE_CYCLE))


def _built(found: Answer) -> Iterator[Item]:
    """Yield when and from what the firmware was built; its parts of a date are decimal digits (BCD)."""
    parts = [found.number(f"fw_info.{name}") for name in ("year", "month", "day", "hour")]
    if None not in parts:
        year, month, day, hour = (f"{part:x}" for part in parts)
        digits = f"{year:0>4}{month:0>2}{day:0>2}{hour:0>4}"
        if digits.isdigit() and digits.startswith("20") and len(digits) == 12:
            date = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:]}"
            yield found.setting("mgir.build_date", Facet(date, date), "identity")
    for field, name in _PLAIN:
        value = found.number(field)
        if value:
            yield found.setting(name, Facet(value, str(value)), "identity")
    branch = found.text("dev_info.dev_branch_tag")
    if branch:
        yield found.setting("mgir.branch", Facet(branch, branch), "identity")
    uptime = found.number("hw_info.uptime")
    if uptime is not None:
        yield found.setting("mgir.uptime", Facet(uptime, str(uptime)), "volatile")


COMPONENTS = {
    0x01: "BOOT_IMG", 0x04: "OEM_NVCONFIG", 0x05: "MLNX_NVCONFIG", 0x06: "CS_TOKEN", 0x07: "DBG_TOKEN",
    0x0A: "Gearbox", 0x0B: "CC_ALGO", 0x0C: "LINKX_IMG", 0x0D: "CRYPTO_TO_COMMISSIONING", 0x0E: "RMCS_TOKEN",
    0x0F: "RMDT_TOKEN", 0x10: "CRCS_TOKEN", 0x11: "CRDT_TOKEN", 0x12: "CLOCK_SYNC_EEPROM", 0x15: "CA_CERTIFICATE",
    0x17: "CA_CERTIFICATE_REMOVAL", 0x1A: "ELS_FIRMWARE", 0x1C: "DPA_COMPONENT", 0x1D: "DPA_COMPONENT_REMOVAL",
    0x1E: "MTDT_TOKEN", 0x20: "PSC_TOKEN",
}  # fmt: skip
_STATUS = {0: "NOT_PRESENT", 1: "PRESENT", 2: "IN_USE"}
_STATE = {
    0: "IDLE", 1: "IN_PROGRESS", 2: "APPLIED", 3: "ACTIVE", 4: "ACTIVE_PENDING_RESET", 5: "FAILED", 6: "CANCELED",
    7: "BUSY",
}  # fmt: skip
_WAITS = (2, 4)
"""Update states of a component that is there and not yet in force."""
_CHANGERS = {1: "the chassis BMC", 2: "MAD", 3: "the BMC", 4: "the command interface", 5: "ICMD"}
_VERSION = 1
"""info_type of MCQI."""


def components(states: Sequence[Answer], infos: Sequence[Answer]) -> Iterator[Item]:
    """MCQS and MCQI: the parts that can be updated on their own, what runs of each and what waits for a reset."""
    names: dict[int, str] = {}
    versions: dict[int, dict[str, Facet]] = {}
    records: dict[int, Answer] = {}
    for found in infos:
        yield from short(found)
        index, view = found.asked("component_index"), "stored" if found.asked("read_pending_component") else "running"
        text = version_string(found)
        if text:
            versions.setdefault(index, {})[view] = Facet(text, text)
            records.setdefault(index, found)
        elif text is None:
            yield found.unread(f"component {index}: its version is no text: {found.image[0x38:].hex()}")
    for found in sorted(states, key=lambda found: found.asked("component_index")):
        yield from short(found)
        name = _name(found, names)
        if name:
            index = found.asked("component_index")
            names[index] = name
            yield from _component(found, name, versions.get(index, {}))
    for index, views in versions.items():
        if index in names:
            facets = tuple((view, views[view]) for view in ("running", "stored") if view in views)
            yield records[index].setting(names[index], Facet(None), "firmware")._replace(facets=facets)
        else:
            words = ", ".join(f"{view} {facet.raw}" for view, facet in views.items())
            yield records[index].unread(f"component {index}, of which MCQS says nothing: {words}")


def version_string(found: Answer) -> str | None:
    """Read the version that an MCQI answer holds: empty where it holds none, None where it holds no text."""
    if found.asked("info_type") != _VERSION:
        return ""
    data = found.image[0x18:]
    fields = decode("MCQI.VERSION", data)
    length, size = fields.get("version_string_length", 0), found.number("info_size")
    if not isinstance(length, int) or not size:
        return ""
    return ascii_text(data[0x20 : 0x20 + length]) if len(data) >= 0x20 + length else None


def _name(found: Answer, taken: Mapping[int, str]) -> str:
    """Name a component; empty where the answer names none, or one that this device has not."""
    identifier = found.number("identifier")
    if not identifier or found.number("component_not_supported"):
        return ""
    name = f"component.{COMPONENTS.get(identifier, hex(identifier))}"
    return f"{name}@{found.asked('component_index')}" if name in taken.values() else name


def _component(found: Answer, name: str, views: Mapping[str, Facet]) -> Iterator[Item]:
    status, state = found.number("component_status"), found.number("component_update_state")
    if status is None or state is None:
        return
    yield found.setting(f"{name}.status", named(status, _STATUS))
    yield found.setting(f"{name}.update_state", named(state, _STATE), "health")
    kind, host = found.number("last_update_state_changer_type"), found.number("last_update_state_changer_host_id")
    changer = f"{_CHANGERS.get(kind, f'agent {kind}')}, host {host} (as claimed)" if kind else ""
    if state in _WAITS:
        running, stored = (views[view].raw if view in views else "?" for view in ("running", "stored"))
        text = f"{name[len('component.') :]} {running} → {stored}: {_STATE[state]}, waits for a reset"
        yield found.evidence(PENDING, f"{text}; last changed by {changer}" if changer else text, "medium")
    elif changer:
        yield found.evidence("firmware.changer", f"{name[len('component.') :]} was last changed by {changer}")


_STRINGS = {1: ("part-number", "part_number"), 2: ("description", "description")}
"""info_type of MQIS to the names of setting and fact, which are those of a flint query."""


def strings(pieces: Sequence[Answer]) -> Iterator[Item]:
    """MQIS: strings that come in pieces, each at the offset and of the length that was asked for."""
    for piece in pieces:
        yield from short(piece)
    for info, (name, fact) in _STRINGS.items():
        own = sorted((p for p in pieces if p.asked("info_type") == info), key=lambda p: p.asked("read_offset"))
        if not own:
            continue
        whole = max(piece.number("info_length") or 0 for piece in own)
        data = _joined(own)[:whole]
        text = ascii_text(data)
        if len(data) < whole or text is None:
            what = f"{len(data)} of {whole} bytes" if len(data) < whole else "no text"
            yield own[0].unread(f"info_type {info}: {what}: {data.hex()}")
        elif text:
            yield own[0].setting(name, Facet(text, text), "identity")
            yield Fact(own[0].record.function, fact, text)


def _joined(pieces: Sequence[Answer]) -> bytes:
    """Put pieces together up to the first one that is missing."""
    data = b""
    for piece in pieces:
        offset = piece.asked("read_offset")
        if offset > len(data):
            break
        lengths = [length for length in (piece.asked("read_length"), piece.number("read_length")) if length]
        data = data[:offset] + piece.image[0x10 : 0x10 + min(lengths, default=0)]
    return data
