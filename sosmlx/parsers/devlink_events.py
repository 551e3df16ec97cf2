"""What devlink tells as it happens or on demand: `monitor` events and what a health reporter diagnoses.

Formats: iproute2 `devlink/devlink.c`; events are `[OBJECT,COMMAND] ` before an object's usual text. A diagnosis is
whatever the driver says (mlx5 `health.c`, `diag/reporter_vnic.c`, `en/reporter_*.c`) as `name: value` pairs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sosmlx.errors import ParseError
from sosmlx.jsonio import tool_json
from sosmlx.model import Evidence, Facet, Item, Setting, SettingClass, Unparsed
from sosmlx.parsers.devlink_read import at, device_of, leaves, port_of, scalar, typed
from sosmlx.parsers.devlink_text import HANDLE, Listed, message
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record

EVENT = "devlink.event"
"""Evidence kind: what happened to a devlink object while somebody watched."""

_EVENT = re.compile(r"[ \t]*\[([a-z-]+),([a-z]+)\][ \t]*(.*)")
_ERROR = re.compile(r"\breporter (\S+) state error\b")
_LISTED = ("health", "lc")
_REPORTED = re.compile(rf"\bhealth diagnose ({HANDLE})(?: reporter (\S+))?")

# What tells the reporter where neither the command nor the path is known.
_REPORTERS = {"syndrome": "fw", "vnic env counters": "vnic", "sqs": "tx", "rqs": "rx"}
_ARRAYS = ("SQs", "RQs")
_LONG_NAMES = (
    "stride size", "channel ix", "txq ix", "HW state", "HW status", "SW state", "WQE counter", "WQE size",
    "posted WQEs", "Common Config", "Common config", "Port TS",
)  # fmt: skip
_FIRST = re.compile(r"(?:-?\d+|0x[0-9a-fA-F]+|true|false)\Z")
_SPLIT = re.compile(r":(?:[ \t]+|$)")
_HEADING = re.compile(r"([^:]{1,80}):\Z")
_BYTE = re.compile(r"[0-9a-f]{2}\Z")

# Left of everything stand only names that are known or cannot be words of a sentence: the rest is what people write.
_KNOWN = re.compile(rf"(?:{'|'.join((*_LONG_NAMES, *_ARRAYS))}|Syndrome|Description|vNIC env counters|[a-z0-9]+_\w+):")

_CLASS_BY_NAME: dict[str, SettingClass] = {
    **dict.fromkeys(("cc", "pc", "ci", "pi", "wqe-counter", "posted-wqes"), "counter"),
    **dict.fromkeys(("sqn", "rqn", "cqn", "eqn", "irqn", "vecidx", "tirn"), "volatile"),
}
_CLASS_BY_PART: dict[str, SettingClass] = {"vnic-env-counters": "counter", "common-config": "config"}


def monitor(text: str, record: Record) -> Iterator[Item]:
    """`devlink monitor`: what happened; an event that repeats is told once, with its count."""
    seen: dict[tuple[str, str], int] = {}
    rest: list[Item] = []
    for device, event in _json_events(text, record) if text.lstrip().startswith("{") else _events(text, record, rest):
        seen[device, event] = seen.get((device, event), 0) + 1
    for (device, event), times in seen.items():
        yield Evidence(EVENT, device, f"{event} ({times} times)" if times > 1 else event)
        match = _ERROR.search(event)
        if match:
            yield Evidence("health", device, f"reporter {match[1]} was in state error", "high")
    yield from rest


def _events(text: str, record: Record, rest: list[Item]) -> Iterator[tuple[str, str]]:
    """Join the lines of each event; those of lists leave out the handle where it is that of the list before."""
    handle = listed = ""
    lines: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        event = _EVENT.match(line)
        if event:
            if lines:
                yield device_of(handle, record), " ".join(lines).rstrip(":")
            first, _, more = event[3].partition(" ")
            named = re.fullmatch(HANDLE, first.rstrip(":"))
            handle, more = (named[0], more) if named else (listed, event[3])
            listed = handle if event[1] in _LISTED else listed
            lines = [f"[{event[1]},{event[2]}] {handle}:", *more.split()]
        elif line.strip():
            told = message(device_of(handle, record), line.strip())
            if told is None and lines and line[0] in " \t":
                lines += line.split()
            else:
                rest.append(told or Unparsed(number, line))
    if lines:
        yield device_of(handle, record), " ".join(lines).rstrip(":")


def _json_events(text: str, record: Record) -> Iterator[tuple[str, str]]:
    try:
        document, _ = tool_json(text)
    except ValueError as error:
        raise ParseError(f"devlink mon: not JSON ({error})") from None
    events = document.get("mon") if isinstance(document, dict) else None
    if not isinstance(events, list):
        raise ParseError("devlink mon: no list 'mon' in the answer")
    for event in events:
        body = dict(event) if isinstance(event, dict) else {"": event}
        command = scalar(body.pop("command", ""))
        for name, handles in body.items():
            for handle, values in handles.items() if isinstance(handles, dict) else (("", handles),):
                flat = values if isinstance(values, dict) else {"": values}
                words = " ".join(f"{key.rpartition('.')[2]} {_shown(value)}".strip() for key, value in leaves(flat))
                yield device_of(str(handle), record), f"[{name},{command}] {handle}: {words}".rstrip(": ")


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else typed("", value).raw


class _Told(NamedTuple):
    """Of whom a diagnosis is: device, port and reporter, as far as they are known."""

    device: str
    port: str
    reporter: str


def diagnose(text: str, record: Record) -> Iterator[Item]:
    """`devlink health diagnose`: syndromes, queue states and counters of one reporter."""
    items: list[Item] = []
    if text.lstrip().startswith("{"):
        try:
            document, _ = tool_json(text)
        except ValueError as error:
            raise ParseError(f"devlink diagnose: not JSON ({error})") from None
        trees = [("", document)] if isinstance(document, dict) else []
    else:
        trees = _trees(text, record, items)
    for command, body in trees:
        told = _told(" ".join(record.argv) or command, body, record)
        yield from _diagnosis(told, body)
        syndrome = typed("", body.get("Syndrome", 0))
        if syndrome.value != 0:
            words = f"reporter {told.reporter} tells syndrome {syndrome.raw}: {scalar(body.get('Description', ''))}"
            yield Evidence("health", told.device, words.rstrip(": "), "high")
    yield from items


def _told(command: str, body: Mapping[str, object], record: Record) -> _Told:
    match = _REPORTED.search(command)
    handle = match[1] if match else ""
    guess = next((_REPORTERS[str(name).lower()] for name in body if str(name).lower() in _REPORTERS), "")
    return _Told(device_of(handle, record), port_of(handle), (match and match[2]) or guess)


def _diagnosis(told: _Told, body: Mapping[str, object]) -> Iterator[Setting]:
    """Make settings of a tree of objects and arrays, without recursion; the places in arrays name the instance."""
    waiting: list[tuple[str, str, object]] = [("", "", body)]
    root = ".".join(part for part in (told.reporter, "diagnose") if part)
    while waiting:
        path, place, value = waiting.pop()
        if isinstance(value, dict):
            inner = [(f"{path}.{_dashed(str(name))}", place, item) for name, item in value.items()]
            waiting += reversed(inner)
        elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
            numbered = len(value) > 1 or path.rpartition(".")[2] in map(str.lower, _ARRAYS)
            places = [f"{place}/{number}".lstrip("/") if numbered else place for number in range(len(value))]
            waiting += reversed([(path, where, item) for where, item in zip(places, value)])
        else:
            name = at(f"{root}{path}", told.port, place)
            yield Setting(told.device, "health", name, "", (("current", _typed(value)),), _class(path))


def _class(path: str) -> SettingClass:
    parts = path.split(".")
    by_part = next((_CLASS_BY_PART[part] for part in parts if part in _CLASS_BY_PART), None)
    return by_part or _CLASS_BY_NAME.get(parts[-1], "health")


def _dashed(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")


def _trees(text: str, record: Record, items: list[Item]) -> list[tuple[str, dict[str, object]]]:
    """Read the text of diagnoses into the objects that JSON has, each with the command before it, if any.

    Columns tell what is in what; a name that repeats in an object begins the next one of an array.
    """
    trees: list[tuple[str, dict[str, object]]] = []
    levels: list[_Level] = []
    command, device = "", device_of("", record)
    listing = -1
    for place, (number, margin, indent, line) in enumerate(_rows(text)):
        told = message(device, line)
        if told is not None:
            items.append(told)
            if _REPORTED.search(line):
                command, device, levels = line, _told(line, {}, record).device, []
            continue
        title = _HEADING.match(line)
        pairs = [] if title else _pairs(line)
        if (title or pairs) and margin and not _KNOWN.match(line):
            items.append(Unparsed(number, line))
            continue
        found = [title[1]] if title else [name for name, _ in pairs]
        while len(levels) > 1 and levels[-1].indent >= indent:
            levels.pop()
        if found and (not levels or (len(levels) == 1 and not levels[0].body.keys().isdisjoint(found))):
            trees.append((command, {}))
            levels = [_Level(-1, trees[-1][1], "", trees[-1][1])]
        listed = bool(levels) and isinstance(levels[-1].parent.get(levels[-1].name), Listed)
        if title and not listed:
            inner: dict[str, object] = {}
            owner = _owner(levels, found)
            owner[title[1]] = [inner] if title[1] in _ARRAYS else inner
            levels.append(_Level(indent, owner, title[1], inner))
            items.append(heading(device, line))
            listing = place
        elif pairs and not listed:
            _owner(levels, found).update(pairs)
        elif not found and levels and listing == place - 1 and _array(levels[-1], line):
            listing = place
        else:
            items.append(Unparsed(number, line))
    return trees


class _Level(NamedTuple):
    """An open object: its column, the object it is in under a name, and itself (the last one of an array)."""

    indent: int
    parent: dict[str, object]
    name: str
    body: dict[str, object]


def _owner(levels: list[_Level], found: list[str]) -> dict[str, object]:
    """Find the object that names belong to; where one repeats, begin the next object of an array."""
    level = levels[-1]
    if level.body.keys().isdisjoint(found) or not level.name:
        return level.body
    fresh: dict[str, object] = {}
    whole = level.parent[level.name]
    if isinstance(whole, list):
        whole.append(fresh)
    else:
        level.parent[level.name] = [whole, fresh]
    levels[-1] = level._replace(body=fresh)
    return fresh


def _array(level: _Level, line: str) -> bool:
    """Take words or bytes under a name as an array."""
    if not level.name or level.body:
        return False
    before = level.parent[level.name]
    words = before if isinstance(before, Listed) else Listed()
    words += line.split()
    level.parent[level.name] = words
    return True


def _typed(value: object) -> Facet:
    """Type a value; bytes are printed in hexadecimal, two digits each."""
    if not isinstance(value, Listed):
        return typed("", value)
    if all(map(_BYTE.match, value)) and not all(word.isdigit() and word[0] != "0" for word in value):
        return Facet(tuple(int(word, 16) for word in value), " ".join(value))
    return typed("", value)


def _rows(text: str) -> Iterator[tuple[int, bool, int, str]]:
    """Yield (line number, whether at the margin, column, line) of lines; devlink prints its first a column early."""
    rows = [
        (number, len(line) - len(line.lstrip()), line.strip())
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip()
    ]
    columns = Counter(column for _, column, _ in rows)
    first = True
    for number, column, line in rows:
        early = column + 1 in columns and (first or columns[column] == 1)
        yield number, not column, column + early, line
        first = bool(_REPORTED.search(line))


def _pairs(line: str) -> list[tuple[str, object]]:
    """Split `a: 1 b c: 2`; what a name is and what a value is, its first word, its last, and known names decide."""
    parts = _SPLIT.split(line)
    names, values = [parts[0].strip()], []
    for part in parts[1:-1]:
        value, name = _cut(part.strip())
        values.append(value)
        names.append(name)
    values.append(parts[-1].strip())
    return list(zip(names, values)) if len(parts) > 1 and all(names) else []


def _cut(part: str) -> tuple[str, str]:
    known = next((name for name in _LONG_NAMES if part.endswith(f" {name}")), "")
    if known:
        return part[: -len(known)].strip(), known
    first, _, rest = part.partition(" ")
    if rest and _FIRST.match(first):
        return first, rest.strip()
    value, _, name = part.rpartition(" ")
    return value, name


MONITOR = (
    Parser(
        "devlink.monitor",
        monitor,
        (),
        re.compile(
            r"^[ \t]*\[(?:dev|port|param|region|flash|health|trap|trap-group|trap-policer|lc|rate),"
            r"(?:get|set|new|del|begin|end|status)\][ \t]",
            re.MULTILINE,
        ),
        members=("mon",),
        identity=True,
    ),
)

TABLE = (
    Parser(
        "devlink.health-diagnose",
        diagnose,
        ("health",),
        re.compile(
            r"^[ \t]*(?:Syndrome: \d+[ \t]*(?:Description: .*)?$"
            r"|(?:vNIC env counters|Common [Cc]onfig|[SR]Qs):[ \t]*$)",
            re.MULTILINE,
        ),
        members=("Syndrome", "vNIC env counters", "Common Config", "Common config", "SQs", "RQs", "test_nest"),
        identity=True,
    ),
)
