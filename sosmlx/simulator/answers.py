"""The simulated firmware: what a ConnectX answers to a register command, in bytes.

What no source says and no trace shows is modelled in the way that asks most of a reader: an answer at the end of the
list of items carries an old item, an answer to MQIS keeps what the request had behind the string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Callable, NamedTuple

from sosmlx.fwctl.commands import BY_OPCODE
from sosmlx.fwctl.mailbox import STATUS
from sosmlx.fwctl.registers import BY_ID, REGISTERS
from sosmlx.simulator import flash as nv
from sosmlx.simulator import state
from sosmlx.simulator.bits import get, put, read, write
from sosmlx.simulator.commands import answer
from sosmlx.simulator.flash import Flash, Item
from sosmlx.simulator.profiles import Component, Profile

ACCESS_REG, ACCESS_REGISTER_USER, NOP, QUERY_HCA_CAP = 0x0805, 0x0B0C, 0x080D, 0x0100
MNVDI, MNVIA = 0x9025, 0x9033
"""Registers that only write: delete one stored item, and all of them."""

TOOLS_RESOURCES = 0x4
"""The capability of a user context without which the firmware answers little more than who it is."""

_HEADER = 16
_CODES: Mapping[str, int] = {row.name: row.value for row in STATUS.values()}
_SHORTEST: Mapping[str, int] = {"MNVGN": 32}
"""Bytes that a register's buffer must have, where its image is of variable length."""

_SET_SIZES: Mapping[int, int] = {MNVDI: 12, MNVIA: 8}
_SELECTORS: Mapping[str, tuple[str, ...]] = {
    "MCAM": ("access_reg_group", "feature_group"), "MCQS": ("component_index", "device_index"),
    "MDSR": ("type_of_token",), "PCAM": ("access_reg_group", "feature_group"), "QCAM": ("access_reg_group",),
    "MCQI": ("component_index", "device_index", "info_type", "read_pending_component", "offset", "data_size"),
}  # fmt: skip
"""What an answer repeats of its request, beside what the register's own code puts there."""


class Refusal(Exception):
    """The firmware's way to end a command without success: a status by its name, and a syndrome."""

    def __init__(self, status: str, syndrome: int) -> None:
        super().__init__(status)
        self.status, self.syndrome = _CODES[status], syndrome


class Caller(NamedTuple):
    """Whose command it is: the PCI function's number, and the capabilities of its user context."""

    function: int
    uctx_caps: int


class Firmware:
    """One adapter's firmware. A command gives bytes without padding, or raises Refusal."""

    def __init__(self, profile: Profile, flash: Flash) -> None:
        self.profile, self.flash = profile, flash
        self.triggered = 0

    def command(self, request: bytes, out_len: int, caller: Caller) -> bytes:
        """Carry out a command: the whole answer, a failed one too."""
        try:
            if get(request, 0, 16) in BY_OPCODE:
                return self._query(request, out_len, caller)
            return bytes(_HEADER) + self._command(request, out_len, caller)
        except Refusal as refusal:
            return bytes([refusal.status, 0, 0, 0]) + refusal.syndrome.to_bytes(4, "big") + bytes(8)

    def _query(self, request: bytes, out_len: int, caller: Caller) -> bytes:
        if not caller.uctx_caps & TOOLS_RESOURCES and get(request, 0, 16) != QUERY_HCA_CAP:
            raise Refusal("BAD_RES", 0x1B0010)
        whole = answer(self.profile, request, caller.function, Refusal)
        if out_len < len(whole):
            raise Refusal("BAD_OUTP_LEN", 0x1B0011)
        return whole

    def _command(self, request: bytes, out_len: int, caller: Caller) -> bytes:
        opcode, op_mod, number = get(request, 0, 16), get(request, 48, 16), get(request, 80, 16)
        if opcode == NOP:
            return b""
        if opcode not in (ACCESS_REG, ACCESS_REGISTER_USER) or op_mod > 1:
            raise Refusal("BAD_OP", 0x1A0001)
        image = request[_HEADER:]
        name = BY_ID[number].name if number in BY_ID else ""
        size = _SET_SIZES.get(number) or (_SHORTEST.get(name) or REGISTERS[name].size if name else 0)
        if not size or self._lacks(name, number):
            raise Refusal("BAD_SYS_STATE", 0x1A0002)
        if len(image) < size:
            raise Refusal("BAD_INP_LEN", 0x1A0003)
        if out_len - _HEADER < size and op_mod == 1:
            raise Refusal("BAD_OUTP_LEN", 0x1A0004)
        if not caller.uctx_caps & TOOLS_RESOURCES and name not in ("MGIR", "MCAM"):
            raise Refusal("BAD_RES", 0x1A0005)
        if op_mod == 0:
            self._set(number, image, caller)
            return b""
        return self._get(name, image, out_len - _HEADER, caller)

    def _lacks(self, name: str, number: int) -> bool:
        withheld = state.masked(name) and number not in self.profile.registers
        return withheld or name in self.profile.missing or (name == "MDSR" and not self.profile.tokens)

    def _get(self, name: str, image: bytes, room: int, caller: Caller) -> bytes:
        if name not in _READS and name not in state.HEALTHY:
            raise Refusal("BAD_OP", 0x1A0006)
        answer = bytearray(max(len(image), REGISTERS[name].size))
        if name in state.HEALTHY:
            state.answer(name, image, answer, state.HEALTHY, self._of_function(caller), self.profile.state)
            return bytes(answer[:room])
        selectors = _SELECTORS.get(name, ())
        write(name, answer, dict(zip(selectors, read(name, image, *selectors))))
        _READS[name](self, image, answer, caller)
        return bytes(answer[:room])

    def _mgir(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        profile = self.profile
        major, minor, sub = profile.version
        write("MGIR", answer, {
            "hw_info.device_id": profile.pci_device, "hw_info.hw_dev_id": profile.hw_device,
            "hw_info.num_ports": profile.ports,
            "hw_info.manufacturing_base_mac_47_32": profile.base_mac >> 32,
            "hw_info.manufacturing_base_mac_31_0": profile.base_mac & 0xFFFFFFFF,
            "fw_info.psid": profile.psid.encode().ljust(16, b"\0")[:16], "fw_info.extended_major": major,
            "fw_info.extended_minor": minor, "fw_info.extended_sub_minor": sub, **profile.mgir,
        })  # fmt: skip

    def _of_function(self, caller: Caller) -> state.State:
        """Say what differs between the functions of an adapter: each has its own port, and that its own module."""
        profile, place = self.profile, caller.function % 2
        guid = profile.base_mac >> 24 << 40 | 0x0300 << 24 | (profile.base_mac & 0xFFFFFF)
        return {
            "PMLP": {"lane_module_mapping": [lane << 24 | lane << 16 | place for lane in range(4)]},
            "PGUID": {"sys_guid": guid, "node_guid": guid + caller.function},
            "MSGI": {"part_number": profile.strings.get(1, "")[:20], "serial_number": f"MT24{profile.hw_device:04X}01"},
            "MPIR": {"device": 0, "local_port": place + 1},
        }  # fmt: skip

    def _pcam(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        if state.group(image) > 1:
            raise Refusal("BAD_PARAM", 0x1A0011)
        state.mask(answer, 0x5000 + state.group(image) * 0x80, self.profile.registers)

    def _qcam(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        state.mask(answer, 0x4000, self.profile.registers)

    def _mcam(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        group, features = read("MCAM", image, "access_reg_group", "feature_group")
        if group > 3 or features:
            raise Refusal("BAD_PARAM", 0x1A0010)
        state.mask(answer, 0x9000 + group * 0x80, self.profile.registers)
        for feature in self.profile.features:
            put(answer, 0x38 * 8 - 1 - feature, 1, 1)

    def _mnvqc(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        word, other = read("MNVQC", image, "type", "host_id_valid")
        kind = self.flash.kind(word)
        known = {"support_rd": 1, "support_wr": int(kind.writable), "version": kind.version} if kind else {}
        write("MNVQC", answer, {"type": word, "host_id_valid": other, **known})

    def _mnvgc(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        write("MNVGC", answer, {
            "nvda_read_factory_settings": int(self.profile.factory_readable),
            "nvda_read_current_settings": int(self.profile.current_readable),
        })  # fmt: skip

    def _mnvda(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        word, mode, other, writer = read("MNVDA", image, "type", "access_mode", "host_id_valid", "writer_id")
        readable = (True, self.profile.current_readable, self.profile.factory_readable, False)
        if self.flash.kind(word) is None or other or not readable[mode]:
            raise Refusal("BAD_PARAM", 0x1A0020)
        if mode == nv.NEXT and not self.profile.next_of_factory and not self.flash.stored(word, caller.function):
            raise Refusal("BAD_RES", 0x1A0021)
        item = self.flash.view(word, mode, caller.function)
        if self.profile.echo:
            item = item._replace(writer_id=writer)
        _put_item("MNVDA", answer, item._replace(type=word))
        write("MNVDA", answer, {"access_mode": mode})

    def _mnvgn(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        pointers = [0] + [pointer for pointer, _ in self.flash.walk(caller.function)]
        items = [item for _, item in self.flash.walk(caller.function)]
        (pointer,) = read("MNVGN", image, "nv_pointer")
        if not items:
            raise Refusal("BAD_RES", 0x1A0030)
        if pointer not in pointers:
            raise Refusal("IX_ERR", 0x1A0031)
        place = pointers.index(pointer)
        following = pointers[place + 1] if place < len(items) else 0
        item = items[place] if place < len(items) else items[0]
        write("MNVGN", answer, {"nv_pointer": following})
        _put_item("MNVGN", answer, item if item.host_id_valid else item._replace(type=nv.shown(item.type)))

    def _mqis(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        kind, start, wanted = read("MQIS", image, "info_type", "read_offset", "read_length")
        if kind not in self.profile.strings:
            raise Refusal("BAD_PARAM", 0x1A0040)
        text = self.profile.strings[kind].encode() + b"\0"
        piece = text[start : start + min(wanted, len(image) - 16)]
        answer[: len(image)] = image
        write("MQIS", answer, {"info_length": len(text), "read_length": len(piece), "info_string": piece})

    def _component(self, image: bytes, register: str) -> tuple[Component, bool]:
        """Find the component that is asked for, and whether it is the last."""
        (index,) = read(register, image, "component_index")
        found = [one for one in self.profile.components if one.index == index]
        if not found:
            raise Refusal("IX_ERR", 0x1A0050)
        return found[0], found[0] == self.profile.components[-1]

    def _mcqs(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        one, last = self._component(image, "MCQS")
        write("MCQS", answer, {
            "last_index_flag": int(last), "identifier": one.identifier, "component_status": one.status,
            "component_update_state": one.update_state, "last_update_state_changer_type": one.changer,
        })  # fmt: skip

    def _mcqi(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        one, _ = self._component(image, "MCQI")
        kind, pending, offset, size = read("MCQI", image, "info_type", "read_pending_component", "offset", "data_size")
        if kind not in _INFORMATION or (pending and not one.pending_text):
            raise Refusal("BAD_PARAM", 0x1A0060)
        layout, length, values = _INFORMATION[kind]
        data = bytearray(REGISTERS[layout].size)
        write(layout, data, values(one, bool(pending)))
        write("MCQI", answer, {"info_size": length, "data": bytes(data[:length][offset : offset + min(size, 124)])})

    def _mfrl(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        waits = self.flash.pending(caller.function) or any(one.update_state == 4 for one in self.profile.components)
        triggers = self.profile.reset_triggers if waits else 0
        write("MFRL", answer, {"reset_type": self.profile.reset_types, "reset_trigger": triggers})

    def _mdsr(self, image: bytes, answer: bytearray, caller: Caller) -> None:
        (kind,) = read("MDSR", image, "type_of_token")
        if kind not in self.profile.tokens:
            raise Refusal("BAD_PARAM", 0x1A0070)
        status = self.profile.tokens[kind]
        write("MDSR", answer, {"status": status, "time_left": 3600 if status == 2 else 0})

    def _set(self, number: int, image: bytes, caller: Caller) -> None:
        """Carry out a register write: the kernel forwards it at every scope."""
        if number not in _WRITES:
            raise Refusal("BAD_OP", 0x1A0080)
        _WRITES[number](self, image, caller)

    def _set_item(self, image: bytes, caller: Caller) -> None:
        word, length, writer, version, over_en, rd_en = read(
            "MNVDA", image, "type", "length", "writer_id", "version", "over_en", "rd_en"
        )
        kind = self.flash.kind(word)
        if kind is None or not kind.writable or length > 256:
            raise Refusal("BAD_PARAM", 0x1A0081)
        data = image[12 : 12 + length]
        own = nv.owned(word, caller.function)
        self.flash.store(Item(own, data, version, writer, nv.USER, over_en, rd_en))

    def _delete_item(self, image: bytes, caller: Caller) -> None:
        if not self.flash.remove(nv.owned(get(image, 32, 32), caller.function)):
            raise Refusal("BAD_RES", 0x1A0082)

    def _delete_all(self, image: bytes, caller: Caller) -> None:
        self.flash.items = [item for item in self.flash.items if item.priority != nv.USER]

    def _reset(self, image: bytes, caller: Caller) -> None:
        (self.triggered,) = read("MFRL", image, "reset_trigger")
        if self.triggered:
            self.flash.reset()


def _put_item(register: str, answer: bytearray, item: Item) -> None:
    header = item._asdict()
    other = header.pop("writer_host_id")
    write(register, answer, {**header, "length": len(item.data)})
    # mstflint has the writer's host where the PRM has host_id_valid and two bits without a name.
    start = REGISTERS[register].field("host_id_valid").offset - 2
    put(answer, start, 3, get(answer, start, 3) | other)


def _version(one: Component, pending: bool) -> Mapping[str, int | bytes]:
    text = (one.pending_text if pending else one.text).encode()[:92]
    match = re.match(rb"(\d{1,3})\.(\d{1,3})\.(\d{1,5})\Z", text)
    major, minor, sub = (int(part) for part in match.groups()) if match else (0, 0, 0)
    number = (major << 24 | minor << 16 | sub) & 0xFFFFFFFF
    return {"version": number, "version_string_length": len(text), "version_string": text}


def _capabilities(one: Component, pending: bool) -> Mapping[str, int | bytes]:
    return {"supported_info_bitmask": 0b100011, "max_component_size": 1 << 25, "log_mcda_word_size": 2,
            "mcda_max_write_size": 128, "signed_updates_only": 1}  # fmt: skip


def _activation(one: Component, pending: bool) -> Mapping[str, int | bytes]:
    return {"pending_fw_reset": 1, "pending_server_reboot": 1, "all_hosts_sync": 1}


_INFORMATION: Mapping[int, tuple[str, int, Callable[[Component, bool], Mapping[str, int | bytes]]]] = {
    0: ("MCQI.CAPABILITIES", 0x14, _capabilities), 1: ("MCQI.VERSION", 0x7C, _version),
    5: ("MCQI.ACTIVATION_METHOD", 0x04, _activation),
}  # fmt: skip
"""MCQI `info_type`: the layout of its data, how much of it there is, and what it says."""

_READS: Mapping[str, Callable[[Firmware, bytes, bytearray, Caller], None]] = {
    "MGIR": Firmware._mgir, "MCAM": Firmware._mcam, "MNVQC": Firmware._mnvqc, "MNVGC": Firmware._mnvgc,
    "MNVDA": Firmware._mnvda, "MNVGN": Firmware._mnvgn, "MQIS": Firmware._mqis, "MCQS": Firmware._mcqs,
    "MCQI": Firmware._mcqi, "MFRL": Firmware._mfrl, "MDSR": Firmware._mdsr, "PCAM": Firmware._pcam,
    "QCAM": Firmware._qcam,
}  # fmt: skip

_WRITES: Mapping[int, Callable[[Firmware, bytes, Caller], None]] = {
    REGISTERS["MNVDA"].id: Firmware._set_item, MNVDI: Firmware._delete_item, MNVIA: Firmware._delete_all,
    REGISTERS["MFRL"].id: Firmware._reset,
}  # fmt: skip
