"""`dcb app|pfc|ets|buffer|maxrate|dcbx|apptrust|rewr show`, as text or JSON.

Formats: iproute2 `dcb/dcb_*.c`; a line is a name and its `index:value` words (in JSON a list, or a list of pairs), or
several `name value` words. The output does not say of which netdev it speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sosmlx.model import Facet, Item, Setting
from sosmlx.parsers import pairs, pasted
from sosmlx.parsers.pairs import Classes
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record

_MAP = re.compile(r"[^\s:]+:\S+\Z")
_BYTES = re.compile(r"\d{1,12}b\Z")
_PRIORITY = re.compile(r"\d\Z")
_CLASSES: Classes = {
    "pfc.cap": "capability", "ets.cap": "capability", "ets.cbs": "capability", "buffer.total-size": "capability",
    "pfc.requests": "counter", "pfc.indications": "counter",
}  # fmt: skip
_SHORT = {"pfc-cap": "cap", "ets-cap": "cap", "buffer-size": "size"}
_DSCP = {f"cs{number}": number * 8 for number in range(8)}
_DSCP.update({f"af{row}{drop}": row * 8 + drop * 2 for row in range(1, 5) for drop in range(1, 4)})
_DSCP.update({"ef": 46, "default": 0})
"""Code points by the names that the text prints for them (`/etc/iproute2/rt_dsfield`); JSON has the numbers."""


def show(text: str, record: Record) -> Iterator[Item]:
    """One object of `dcb`, which the record's kind names."""
    device = pairs.named(record, "")
    what = record.kind.rpartition(".")[2]
    if pairs.is_json(text):
        for row in pairs.objects(text, record.kind):
            for key, value in row.items():
                yield from _member(device, what, key.replace("_", "-"), value)
        return
    for number, line in pairs.lines(text):
        words = line.split()
        options = pasted.asked(line, ("dcb",))
        if options is not None:
            device = pasted.device_of(record, options, "dev")
        found = [] if pairs.is_chatter(line) else list(_line(device, what, words))
        yield from found
        yield heading(device, line) if found else pairs.remark(number, line, device)


def _line(device: str, what: str, words: list[str]) -> Iterator[Setting]:
    """Read a line of the text; nothing comes of one that is not of its form."""
    name, rest = words[0].rstrip(":"), words[1:]
    if what == "dcbx":
        if set(words) <= {"host", "lld-managed", "cee", "ieee", "static"}:
            yield from (_setting(device, f"dcbx.{word}", Facet(True, word)) for word in words)
    elif name == "order":
        yield _setting(device, f"{what}.order", Facet(tuple(rest), " ".join(rest)))
    elif name == "default-prio" and all(_PRIORITY.match(word) for word in rest):
        yield _setting(device, f"{what}.{name}", Facet(tuple(int(word) for word in rest), " ".join(rest)))
    elif rest and all(_MAP.match(word) for word in rest):
        yield from _mapped(device, what, name, (word.partition(":")[::2] for word in rest))
    elif len(words) % 2 == 0 and name[:1].isalpha():
        yield from (_setting(device, _named(what, key), value) for key, value in pairs.pairs(words))


def _member(device: str, what: str, name: str, value: object) -> Iterator[Setting]:
    if name in ("order", "default-prio") or not isinstance(value, list):
        yield _setting(device, _named(what, name), value)
    else:
        items = (item if isinstance(item, list) and len(item) == 2 else (at, item) for at, item in enumerate(value))
        yield from _mapped(device, what, name, ((str(key), inner) for key, inner in items))


def _mapped(device: str, what: str, name: str, items: Iterable[tuple[str, object]]) -> Iterator[Setting]:
    """Yield one setting per index, or several where an index has several values."""
    found: dict[str, list[object]] = {}
    for key, value in items:
        found.setdefault(_index(name, key), []).append(_value(name, value))
    for key, values in found.items():
        full = f"{what}.prio{key}" if name == "prio-pfc" else f"{_named(what, name)}@{key}"
        yield from _several(device, full, values)


def _several(device: str, name: str, several: list[object]) -> Iterator[Setting]:
    base, at, instance = name.partition("@")
    for number, value in enumerate(several, 1):
        yield _setting(device, f"{base}{f'.{number}' if number > 1 else ''}{at}{instance}", value)


def _index(name: str, key: str) -> str:
    """Spell an index as JSON does: code points and types of frames are numbers there."""
    if name == "ethtype-prio" and re.fullmatch(r"[0-9a-f]{3,4}", key):
        return str(int(key, 16))
    return str(_DSCP.get(key.lower(), key)) if name == "dscp-prio" else key


def _value(name: str, value: object) -> object:
    """Type what JSON has as a number: a code point, and a size that the text did not round."""
    if name == "prio-dscp" and isinstance(value, str) and value.lower() in _DSCP:
        return Facet(_DSCP[value.lower()], value)
    if name == "buffer-size" and isinstance(value, str) and _BYTES.match(value):
        return Facet(int(value[:-1]), value)
    return value


def _named(what: str, name: str) -> str:
    return f"{what}.{_SHORT.get(name, name)}"


def _setting(device: str, name: str, value: object) -> Setting:
    return pairs.setting(device, "dcb", name, value, _CLASSES)


def _head(*names: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*(?:{'|'.join(names)})", re.MULTILINE)


def _members(*names: str) -> tuple[str, ...]:
    return (*names, *(name.replace("_", "-") for name in names if "_" in name))


_OBJECTS: dict[str, tuple[re.Pattern[str], tuple[str, ...]]] = {
    "rewr": (_head(r"prio-dscp \d:\S", r"prio-pcp \d:\S"), _members("prio_dscp", "prio_pcp")),
    "app": (
        _head(r"(?:dscp|ethtype|pcp|(?:stream-|dgram-)?port)-prio \S+:\d", r"default-prio \d"),
        _members("default_prio", "ethtype_prio", "stream_port_prio", "dgram_port_prio", "port_prio", "dscp_prio",
                 "pcp_prio"),
    ),
    "pfc": (_head(r"pfc-cap \d+", r"prio-pfc \d:o"), _members("pfc_cap", "prio_pfc")),
    "ets": (_head(r"willing (?:on|off)", r"tc-tsa \d:\S", r"prio-tc \d:\d"), _members("ets_cap", "tc_tsa", "prio_tc")),
    "buffer": (_head(r"prio-buffer \d:\d", r"buffer-size \d:\d"), _members("prio_buffer", "buffer_size")),
    "maxrate": (_head(r"tc-maxrate \d:\S"), _members("tc_maxrate")),
    "dcbx": (
        re.compile(r"^[ \t]*(?:host|lld-managed)(?: (?:cee|ieee|static))+[ \t]*$", re.MULTILINE),
        _members("ieee", "lld_managed", "cee"),
    ),
    "apptrust": (
        re.compile(r"^[ \t]*order: (?:ethtype|stream-port|dgram-port|port|dscp|pcp)\b", re.MULTILINE),
        ("order",),
    ),
}  # fmt: skip
"""What each object of `dcb` is recognised by: its text, and members of its JSON."""

TABLE = tuple(
    Parser(f"dcb.{name}", show, ("dcb",), head, members=members) for name, (head, members) in _OBJECTS.items()
)
