"""`ip [-d] [-s] link` and `ip addr`: every link with its details, VFs, addresses and counters.

JSON members: iproute2 `ip/ipaddress.c` and `ip/iplink_*.c`. A knob is named as sysfs names it, else as JSON does; the
text form, which has other words for the same, is read in `iplink_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import Facet, Item, Setting
from sosmlx.parsers import iplink_text, pairs
from sosmlx.parsers.iplink_names import named_as, typed
from sosmlx.parsers.spec import Parser
from sosmlx.record import Record

_ROW = r"^[ \t]*\d+: [^\s:]+: <[A-Z0-9_,-]*>[^\n]* mtu \d"
_BRIEF = r"^[^\s<]+[ \t]+(?:UP|DOWN|UNKNOWN|LOWERLAYERDOWN|DORMANT)[ \t]+"
_ADDRESS = r"[0-9a-f.:]+/\d{1,3}\b"


def link(text: str, record: Record) -> Iterator[Item]:
    """`ip link`: links, their details, their VFs and their counters."""
    return _show(text, record, "ip link")


def addr(text: str, record: Record) -> Iterator[Item]:
    """`ip addr`: links and their addresses."""
    return _show(text, record, "ip addr")


def _show(text: str, record: Record, what: str) -> Iterator[Item]:
    if not pairs.is_json(text):
        yield from iplink_text.read(text, record)
        return
    for row in pairs.objects(text, what):
        if row:  # `ip -j` prints an empty object for each link that its filter left out
            yield from _link(row, record)


def _link(row: dict[str, object], record: Record) -> Iterator[Item]:
    name = str(row.pop("ifname", ""))
    device = pairs.named(record, name)
    yield from iplink_text.facts(device, name, {key: str(value) for key, value in row.items()})
    for vf in _list(row.pop("vfinfo_list", None)):
        yield from _vf(device, vf)
    for address in _list(row.pop("addr_info", None)):
        yield from _address(device, address)
    kinds = row.pop("linkinfo", None)
    if isinstance(kinds, dict):
        yield from _kinds(device, kinds)
    flags = row.get("flags")
    if isinstance(flags, list):
        yield typed(device, "up", Facet("UP" in flags, "UP" if "UP" in flags else ""))
    for key, value in pairs.flat("", row):
        if key == "altnames" and isinstance(value, list):
            yield from (typed(device, f"altname@{number}", str(alt)) for number, alt in enumerate(value))
        else:
            yield typed(device, named_as(key), value)


def _kinds(device: str, kinds: dict[str, object]) -> Iterator[Setting]:
    """Name the details of a link's kind, and those of its role below another link, by these kinds."""
    for role, suffix in (("info", ""), ("info_slave", "_slave")):
        kind = str(kinds.pop(f"{role}_kind", "") or "")
        if kind:
            yield typed(device, f"linkinfo.{role[5:] or 'kind'}", kind)
        for key, value in pairs.flat(f"{kind}{suffix}", kinds.pop(f"{role}_data", {})):
            yield typed(device, key, value)
    for key, value in pairs.flat("linkinfo", kinds):
        yield typed(device, key, value)


def _vf(device: str, row: dict[str, object]) -> Iterator[Setting]:
    number = row.pop("vf", "")
    for key, value in pairs.flat("vf", row):
        yield typed(device, f"{named_as(key)}@{number}", value)


def _address(device: str, row: dict[str, object]) -> Iterator[Setting]:
    family = str(row.pop("family", "inet"))
    instance = f"{row.pop('local', '')}/{row.pop('prefixlen', '')}"
    yield typed(device, f"{family}@{instance}", row.pop("scope", ""))
    for key, value in pairs.flat(family, row):
        yield typed(device, f"{named_as(key)}@{instance}", value)


def _list(value: object) -> list[dict[str, object]]:
    return [dict(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []


TABLE = (
    Parser(
        "ip.addr",
        addr,
        ("net",),
        re.compile(
            rf"^[ \t]+inet6? {_ADDRESS}[^\n]* scope \w|^\d+: [^\s:]+[ \t]+inet6? {_ADDRESS}|{_BRIEF}{_ADDRESS}",
            re.MULTILINE,
        ),
        ("[]/addr_info",),
        identity=True,
    ),
    Parser(
        "ip.link",
        link,
        ("net",),
        re.compile(
            rf"{_ROW}|{_BRIEF}(?:[0-9a-f]{{2}}:)+[0-9a-f]{{2}} <|^[ \t]*vf \d+[ \t]+(?:MAC |link/)", re.MULTILINE
        ),
        ("[]/link_type", "[]/linkmode", "[]/txqlen"),
        identity=True,
    ),
)
