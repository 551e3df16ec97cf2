"""What every devlink answer shares: JSON or plain text, handles, and values typed by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from re import Pattern

from sosmlx.errors import ParseError
from sosmlx.jsonio import tool_json
from sosmlx.model import Evidence, Facet, Item, Plane, Setting, SettingClass, Unparsed, Value
from sosmlx.parsers.devlink_text import Block, Grammar, Listed, message, names, read_text
from sosmlx.parsers.values import from_json, word
from sosmlx.record import HOST, Record

NOT_KNOWN = "not known to this devlink"
"""Why there is no value where an older devlink met a number that it has no word for."""

_BDF = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\Z", re.IGNORECASE)

# Names whose values are names: a port called `1` or `on` is neither a number nor a Boolean.
_NAMES = names(
    "netdev ibdev hw_addr parent group netns nested_devlink last_dump_date last_dump_time table_name resource_path"
)


def read(text: str, members: Sequence[str], grammar: Grammar, record: Record) -> tuple[list[Block], list[Item]]:
    """Read an answer of `devlink` or `devlink -j`; the second are lines that hold no settings. Raises ParseError."""
    device = device_of("", record)
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.lstrip().startswith("{")), None)
    if first is None:
        return read_text(text, grammar, lambda handle: device_of(handle, record))
    last = max((number for number, line in enumerate(lines) if line.rstrip().endswith("}")), default=first)
    blocks, repeated = _json("\n".join(lines[first : last + 1]), members)
    items: list[Item] = [
        message(device, line.strip()) or Unparsed(number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not first < number <= last + 1
    ]
    if repeated:
        items.append(Evidence("json.repeated", device, f"{repeated} keys occur twice; the last one counts"))
    return blocks, items


def _json(text: str, members: Sequence[str]) -> tuple[list[Block], int]:
    try:
        document, repeated = tool_json(text)
    except ValueError as error:
        raise ParseError(f"devlink {members[0]}: not JSON ({error})") from None
    body = next((document[name] for name in members if name in document), None) if isinstance(document, dict) else None
    if not isinstance(body, dict):
        raise ParseError(f"devlink {members[0]}: no object {members[0]!r} in the answer")
    return [Block(str(handle), _entries(value)) for handle, value in body.items()], repeated


def _entries(value: object) -> list[dict[str, object]]:
    """List the objects of a handle; a list of words is one object with no name for them."""
    if isinstance(value, list) and value and not any(isinstance(entry, dict) for entry in value):
        return [{"": value}]
    if isinstance(value, list):
        return [dict(entry) if isinstance(entry, dict) else {"": entry} for entry in value]
    return [dict(value)] if isinstance(value, dict) else [{"": value}]


def device_of(handle: str, record: Record) -> str:
    """Name the device of a handle: `pci/BDF/PORT` belongs to function BDF, other buses stay part of the name."""
    if not handle:
        return "device-1" if record.subject == HOST else record.subject
    bus, _, rest = handle.partition("/")
    name = rest.partition("/")[0]
    return (name.lower() if _BDF.match(name) else name) if bus == "pci" else "/".join(handle.split("/")[:2])


def port_of(handle: str) -> str:
    """Take the port (rate node, region) out of a handle, or nothing."""
    return "/".join(handle.split("/")[2:])


def at(name: str, *instance: str) -> str:
    """Name an instance of a setting, so that two ports of a function do not share a key.

    >>> at("port.type", "65535"), at("sb.size", "", "0"), at("eswitch.mode", "")
    ('port.type@65535', 'sb.size@0', 'eswitch.mode')
    """
    place = "/".join(part for part in instance if part)
    return f"{name}@{place}" if place else name


def scalar(value: object) -> str:
    """Give the text of a word or number; a nested value names nothing."""
    return "" if isinstance(value, (dict, list)) else str(value)


def typed(name: str, value: object) -> Facet:
    """Type a value by its name, the same from text and from JSON.

    >>> typed("auto_dump", "true").value, typed("netdev", "on").value, typed("size", "unlimited").value
    (True, 'on', 'unlimited')
    >>> typed("flavour", "<unknown flavour>").reason
    'not known to this devlink'
    """
    if isinstance(value, Listed):
        return Facet(tuple(_item(item) for item in value), " ".join(value))
    if _is_nested(value):
        return Facet(None, reason="nested values")
    if isinstance(value, list):
        return Facet(tuple(_item(item) for item in value), str(value))
    if isinstance(value, str) and value.startswith("<unknown"):
        return Facet(None, value, reason=NOT_KNOWN)
    if isinstance(value, str) and name.rpartition(".")[2] not in _NAMES:
        return word(value)
    return from_json(value)


def _is_nested(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)
    )


def _item(value: object) -> bool | int | str | None:
    found: Value = word(value).value if isinstance(value, str) else from_json(value).value
    return None if isinstance(found, tuple) else found


def leaves(body: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Flatten nested objects to dotted names, however deep; lists of words stay values, empty objects say nothing.

    >>> dict(leaves({"a": {"b": 1, "c": {}}, "d": [1], "e": [{"f": 2}]}))
    {'a.b': 1, 'd': [1], 'e.0.f': 2}
    """
    waiting: list[tuple[str, object]] = [(str(name), value) for name, value in reversed(body.items())]
    while waiting:
        name, value = waiting.pop()
        inner: dict[str, object] = {}
        if isinstance(value, dict):
            inner = value
        elif isinstance(value, list) and _is_nested(value):
            inner = {str(number): item for number, item in enumerate(value)}
        else:
            yield name, value
        waiting += [(f"{name}.{part}", item) for part, item in reversed(inner.items())]


def settings(
    device: str,
    plane: Plane,
    prefix: str,
    body: dict[str, object],
    classes: Mapping[str, SettingClass],
    *instance: str,
) -> Iterator[Setting]:
    """Make one setting of each value of an object; names that `classes` does not hold are configuration."""
    for name, value in leaves(body):
        cls = classes.get(name) or classes.get(f"{name.partition('.')[0]}.*", "config")
        full = at(f"{prefix}.{name}" if name else prefix, *instance)
        yield Setting(device, plane, full, "", (("current", typed(name, value)),), cls)


def nested(device: str, prefix: str, body: dict[str, object], *instance: str, one: bool = False) -> Iterator[Setting]:
    """Take the nested devlink instances out of an object, with their network namespaces.

    `one` says that there is never a second, so that its key needs no handle, which changes between boots.
    """
    inner = body.pop("nested_devlink", None)
    found = inner if isinstance(inner, dict) else {inner: {}} if isinstance(inner, str) else {}
    for handle, more in found.items():
        place = instance if one and len(found) == 1 else (*instance, str(handle))
        facet = Facet(str(handle), str(handle), str(handle))
        name = at(f"{prefix}.nested_devlink", *place)
        yield Setting(device, "devlink", name, "", (("current", facet),), "identity")
        for what, value in leaves(more if isinstance(more, dict) else {}):
            view = typed(what, value)
            if what == "netnsid" and view.value in (-1, "unknown"):
                view = Facet(None, view.raw, reason="the namespace has no id here")
            name = at(f"{prefix}.nested_devlink.{what}", *place)
            yield Setting(device, "devlink", name, "", (("current", view),), "identity")


def head(member: str, *patterns: str) -> Pattern[str]:
    """Recognise a text by its lines, and JSON that stands behind a prompt by its member."""
    json = rf'\{{\s*"(?:{member})"\s*:\s*\{{'
    return re.compile(rf"^[ \t]*(?:{'|'.join((json, *patterns))})", re.MULTILINE)
