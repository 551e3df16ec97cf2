"""Simulated adapters with a flash of a few items, and plain ways to ask them."""

from __future__ import annotations

from sosmlx.simulator import flash as nv
from sosmlx.simulator.flash import Flash, Item, Kind
from sosmlx.simulator.nic import Nic
from sosmlx.simulator.profiles import PROFILES, Profile
from tests import nic_reading as raw

CX7 = PROFILES["ConnectX-7"]
KINDS = {
    (0, 0x80): Kind(12), (0, 0x10A): Kind(8, 1), (0, 0x11D): Kind(8), (1, 0x12): Kind(4), (3, 0x80): Kind(16),
    (3, 0x112): Kind(4), (7, 0x80): Kind(4), (9, 4): Kind(16), (0, 0x81): Kind(20, writable=False),
}  # fmt: skip
GLOBAL = 0x80


def nic(*items: Item, profile: Profile = CX7, ports: int = 2, function: int = 0, flash: Flash | None = None) -> Nic:
    shared = flash or Flash(KINDS, ports)
    for item in items:
        shared.store(item)
    return Nic(profile, shared, function=function, strict=False)


def ask(device: Nic, register: int, *words: int, size: int | None = None, scope: int = 1, out: int = 0) -> bytes:
    request = raw.command(register, *words, size=size)
    return device.rpc(device.open(), scope, request, out or len(request))


def write(device: Nic, register: int, *words: int, scope: int = 1) -> int:
    request = raw.command(register, *words, op_mod=0)
    return device.rpc(device.open(), scope, request, len(request))[0]


def get(device: Nic, word: int, mode: int = nv.NEXT) -> bytes:
    return raw.item(ask(device, raw.MNVDA, mode << 22 | 0x100, word)).data


def stored(word: int, data: str) -> Item:
    return Item(word, bytes.fromhex(data), writer_id=9)


def walk(device: Nic, size: int = 284) -> list[tuple[int, raw.Header]]:
    found, pointer = [], 0
    while True:
        answer = ask(device, raw.MNVGN, pointer, size=size)
        pointer = raw.word(answer, 0)
        found.append((pointer, raw.item(answer, 0x10)))
        if pointer == 0:
            return found
