"""What mstconfig would print of a simulated adapter is what its bytes say: to our client, and field by field."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl import nvconfig, registers
from sosmlx.fwctl.allowed import request
from sosmlx.fwctl.catalogue import Param, builtin
from sosmlx.fwctl.items import ItemType, header, type_word
from sosmlx.simulator.adapter import adapter, query_rows
from sosmlx.simulator.nic import Nic
from sosmlx.simulator.profiles import PROFILES
from sosmlx.simulator.values import places, spell, store

VIEWS = {"default": 2, "current": 1, "next": 0}
FLASH = {
    "NUM_OF_VFS": ["8", "8", "16"], "LINK_TYPE_P1": ["IB(1)", "ETH(2)", "ETH(2)"], "NUM_OF_TC_P2": ["0", "0", "7"],
    "CNP_DSCP_P1": ["48", "48", "26"], "ROCE_CONTROL": ["2", "2", "ROCE_DISABLE"], "BOOT_VLAN": ["1", "1", "4094"],
    "SAFE_MODE_ENABLE": ["True(1)", "True(1)", "False(0)"], "MODULE_SPLIT_M1[3]": ["0xFF(255)", "255", "0x10"],
    "HOST_CHAINING_DESCRIPTORS[7]": ["3", "4", "5"], "DCR_LIFO_SIZE": ["16384", "16384", "65536"],
}  # fmt: skip
"""Values of three views, in fields of every class."""


SOME = {
    "INTERNAL_CPU_MODEL": ["BlueField-3"], "FPGA_AUTO_RELOAD": ["ConnectX-5"],
    "MODULE_SPLIT_M0[0]": ["ConnectX-7", "BlueField-3"], "NVME_EMULATION_ENABLE": ["ConnectX-7", "BlueField-3"],
    "NUM_OF_VFS": list(PROFILES),
}  # fmt: skip


def test_each_kind_of_adapter_has_parameters_of_its_own() -> None:
    rows = {profile: query_rows(adapter({"firmware": {"profile": profile}}, 0)) for profile in PROFILES}
    names = {profile: {name for name, *_ in found} for profile, found in rows.items()}

    assert {name: [profile for profile, found in names.items() if name in found] for name in SOME} == SOME


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NUM_OF_VFS", [0x80]), ("LINK_TYPE", [0x01010012, 0x01020012]), ("LINK_TYPE_P2", [0x01020012]),
        ("LINK_TYPE_P3", []), ("MODULE_SPLIT_M1[15]", [0x09004004]), ("MODULE_SPLIT_M1[16]", []), ("NUM_OF_VFS[0]", []),
        ("nv_qos_conf.qos_trust_state_en", [0x01010192, 0x01020192]), ("NO_SUCH", []), ("", []),
    ],
)  # fmt: skip
def test_a_name_stands_for_its_places(name: str, words: list[int]) -> None:
    assert [place.word for place in places(name, 2)] == words


def test_of_two_words_for_a_number_the_first_in_the_alphabet_is_printed() -> None:
    param = Param("t", 0, "f", "F", 0, 8, "ENUM", labels=(("_8_TCs", 1), ("_1_TC", 1)))

    assert spell(param, b"\1") == "_1_TC(1)"


def client_rows(nic: Nic) -> list[tuple[str, ...]]:
    """What the client's own code makes of the answers, named and spelled as the vendor's tool does."""
    uid, found = nic.open(), []

    def answer(name: str, fields: Mapping[str, int]) -> bytes:
        asked = request(name, fields)
        return nic.rpc(uid, 1, asked, len(asked))[16:]

    for tlv in builtin():
        numbers = range(1, nic.profile.ports + 1) if tlv.cls == 1 else range(nic.profile.ports if tlv.cls == 9 else 1)
        for number in numbers:
            kind = ItemType(tlv.cls, tlv.index, **{1: {"port": number}, 9: {"module": number}}.get(tlv.cls, {}))
            word = type_word(kind)
            known = registers.decode("MNVQC", answer("MNVQC", {"type": word}))
            if not known["support_rd"]:
                continue
            views = []
            for mode in VIEWS.values():
                image = answer("MNVDA", {"type": word, "access_mode": mode, "length": 256})
                length = header(image).length
                views.append(list(nvconfig.values(tlv, image[12 : 12 + length])))
            found += [
                (nvconfig.display_name(same[0].param, kind, same[0].element), *(value.raw for value in same))
                for same in zip(*views)
                if same[0].param.name and same[0].param.since <= known["version"]
            ]
    return found


@pytest.mark.parametrize("profile", PROFILES)
def test_the_client_reads_out_of_the_bytes_what_the_rows_say(profile: str) -> None:
    nic = adapter({"firmware": {"profile": profile}, "flash": FLASH}, 0)

    assert client_rows(nic) == query_rows(nic)


PARAMS = [param for tlv in builtin() for param in tlv.params]


@given(st.sampled_from(PARAMS), st.data())
def test_a_value_of_any_parameter_comes_back_and_touches_no_other(param: Param, data: st.DataObject) -> None:
    place = places(param.key, 1)[0]
    element = data.draw(st.integers(0, max(param.elements - 1, 0)))
    value = data.draw(st.integers(0, (1 << param.element_width) - 1))
    before = bytearray(data.draw(st.binary(min_size=place.tlv.size, max_size=place.tlv.size)))
    after = bytearray(before)

    store(after, place._replace(element=element if param.elements else None), value)

    others = [
        other for other in place.tlv.params if other.field not in (param.field, param.valid_bit) and not other.elements
    ]
    assert (
        spell(param, bytes(after), element).rpartition("(")[2].rstrip(")"),
        [spell(other, bytes(before)) for other in others],
    ) == (str(value), [spell(other, bytes(after)) for other in others])
