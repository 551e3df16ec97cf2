"""Bonds as the kernel tells of them, and Open vSwitch's own settings.

Formats: `drivers/net/bonding/bond_procfs.c` (a block of `name: value` lines for the bond, then one for each member);
ovs-vsctl(8), `get`: `{name="value", …}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import HOST, Facet, Item, Setting, SettingClass, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record


def bonds(text: str, record: Record) -> Iterator[Item]:
    """The names in `/proc/net/bonding`: which bonds there are; no setting where there is none."""
    names = text.split()
    if names:
        yield Setting(HOST, "kernel", "bonds", "", (("current", values.word(" ".join(names))),), "config")
        yield from (heading(HOST, name) for name in names)


_ROW = re.compile(r"\s*(?P<name>[A-Za-z][\w ()/-]{0,60}?): ?(?P<value>.*)\Z")
_HEALTH = ("mii-status", "speed", "duplex", "link-failure-count", "currently-active-slave", "aggregator-id")
_ALIKE = ("speed", "duplex")


def bond(text: str, record: Record) -> Iterator[Item]:
    """`/proc/net/bonding/BOND`: mode and policy of a bond, its members, and whether these agree in speed and duplex."""
    name = record.name or "bond"
    member = ""
    shared: dict[str, dict[str, str]] = {what: {} for what in _ALIKE}
    for number, line in enumerate(text.split("\n"), 1):
        row = _ROW.match(line)
        if row is None:
            if line.strip():
                yield heading(HOST, line) if line.strip().startswith("details ") else Unparsed(number, line)
            continue
        key = re.sub(r"[^a-z0-9]+", "-", row["name"].lower()).strip("-")
        value = row["value"].strip()
        member = value if key == "slave-interface" else member
        if member and key in shared:
            shared[key][member] = value
        place = f"bond.{key}@{name}" + (f"/{member}" if member else "")
        cls: SettingClass = "health" if key in _HEALTH else "identity" if "hw-addr" in key else "config"
        yield Setting(HOST, "net", place, "", (("current", values.word(value)),), cls)
        yield heading(HOST, line)
    if any(shared.values()):
        agree = all(len(set(found.values())) <= 1 for found in shared.values())
        yield Setting(HOST, "net", f"bond.members-agree@{name}", "", (("current", Facet(agree)),), "health")


_PAIR = re.compile(r'([\w-]+)="?([^",}]*)"?')


def ovs(text: str, record: Record) -> Iterator[Item]:
    """`ovs-vsctl get Open_vSwitch . other_config`: what the administrator set, as a map of texts."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip().startswith("{") and line.strip().endswith("}"):
            for name, value in _PAIR.findall(line):
                yield Setting(HOST, "kernel", f"ovs.{name}", "", (("current", values.word(value)),), "config")
            yield heading(HOST, line)
        elif line.strip():
            yield Unparsed(number, line)


TABLE = (
    Parser("kernel.bonds", bonds, ("kernel",)),
    Parser("net.bond", bond, ("net",)),
    Parser("ovs.other-config", ovs, ("kernel",)),
)
