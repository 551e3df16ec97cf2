"""devlink, as JSON: versions, parameters, E-Switch, ports, rates, health and its diagnosis, regions, buffers, traps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sosmlx.collectors.pci import bound, functions
from sosmlx.collectors.spec import PLACEHOLDER, Collector, Command, Expand, Read
from sosmlx.jsonio import tool_json
from sosmlx.record import Record

OF_FUNCTION = (
    ("devlink.info", ("dev", "info")),
    ("devlink.eswitch", ("dev", "eswitch", "show")),
    ("devlink.resource", ("resource", "show")),
)
OF_HOST = (
    ("devlink.dev", ("dev", "show")),
    ("devlink.param", ("dev", "param", "show")),
    ("devlink.port", ("port", "show")),
    ("devlink.port-param", ("port", "param", "show")),
    ("devlink.rate", ("port", "function", "rate", "show")),
    ("devlink.region", ("region", "show")),
    ("devlink.lc", ("lc", "show")),
    ("devlink.sb", ("sb", "show")),
    ("devlink.sb", ("sb", "pool", "show")),
    ("devlink.sb", ("sb", "port", "pool", "show")),
    ("devlink.sb", ("sb", "tc", "bind", "show")),
)
"""`show` commands that take no bare device handle in devlink(8): one answer for the whole host.

The occupancy of shared buffers is not among them: asking anew needs `occupancy snapshot`, which changes a device.
"""
EXTENDED = (
    ("devlink.trap", ("trap", "show")),
    ("devlink.trap", ("trap", "group", "show")),
    ("devlink.trap", ("trap", "policer", "show")),
)
HEALTH = ("devlink", "-j", "health", "show")
REGIONS = ("devlink", "-j", "region", "show")
DEADLINE = 15.0
DUMP_DEADLINE = 60.0

_REPORTER = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
_PORT = re.compile(r"\d{1,10}\Z")
_NUMBER = re.compile(r"\d{1,10}\Z")
_HEALTH_PATTERN = b'{"health":{"pci/{bdf}":[{"reporter":"{reporter}","last_dump_date":"{date}"}]}}'
_REGION_PATTERN = b'{"regions":{"pci/{bdf}/{region}":{"snapshot":["{number}"]}}}'


def _show(words: Iterable[str], kind: str, subject: str = "host", expand: Expand | None = None) -> Command:
    pattern = _HEALTH_PATTERN if kind == "devlink.health" else b""
    argv = ("devlink", "-j", *words)
    return Command(kind, argv, subject, expand, pattern, channel="devlink", deadline=DEADLINE)


def _commands(bdf: str) -> Iterable[Read]:
    yield from (_show(words, kind) for kind, words in OF_HOST)
    yield from (_show((*words, f"pci/{bdf}"), kind, bdf) for kind, words in OF_FUNCTION)
    yield _show(HEALTH[2:], "devlink.health", expand=lambda record: _diagnosed(bdf, record))


def _diagnosed(bdf: str, record: Record) -> Iterator[Read]:
    """Ask each reporter of this function and its ports for its diagnosis, which changes nothing."""
    for handle, reporter, _ in _reporters(bdf, record):
        yield _show(("health", "diagnose", handle, "reporter", reporter), "devlink.health-diagnose", bdf)


def _reporters(bdf: str, record: Record) -> Iterator[tuple[str, str, bool]]:
    """Yield handle and name of each reporter of a function, and whether it holds a dump."""
    for handle, rows in _of(bdf, record, "health"):
        for row in rows if isinstance(rows, list) else ():
            name = str(row.get("reporter", "")) if isinstance(row, dict) else ""
            if _REPORTER.match(name) or PLACEHOLDER.match(name):
                yield handle, name, "last_dump_date" in row or "last_dump_time" in row


def _of(bdf: str, record: Record, member: str) -> Iterator[tuple[str, object]]:
    """Yield what an answer for the whole host says of one function and its ports; nothing where it is no JSON.

    Handles are data from outside: one passes that is this function's, or that of a port of it by number.
    """
    if not record.has_bytes:
        return
    try:
        document, _ = tool_json(record.data.decode("utf-8", "replace"))
    except ValueError:
        return  # its parser says so
    found = document.get(member) if isinstance(document, dict) else None
    for handle, body in found.items() if isinstance(found, dict) else ():
        bus, _, place = str(handle).partition("/")
        function, _, rest = place.partition("/")
        if bus == "pci" and function == bdf and (member == "regions" or not rest or _PORT.match(rest)):
            yield str(handle), body


def _stored_dumps(bdf: str) -> Iterable[Read]:
    """Show the dumps that are there: to ask where none is makes the driver take one."""

    def dumps(record: Record) -> Iterator[Read]:
        for handle, reporter, stored in _reporters(bdf, record):
            if stored:
                argv = ("devlink", "-j", "health", "dump", "show", handle, "reporter", reporter)
                yield Command("devlink.health-dump", argv, bdf, channel="devlink", deadline=DUMP_DEADLINE)

    return [_show(HEALTH[2:], "devlink.health", expand=dumps)]


_REGION = re.compile(r"pci/[0-9a-f:.]+(?:/\d{1,10})?/[A-Za-z0-9_-]{1,64}\Z")


def _stored_snapshots(bdf: str) -> Iterable[Read]:
    """Dump the snapshots that are there; `region new` would take one."""

    def snapshots(record: Record) -> Iterator[Read]:
        for handle, body in _of(bdf, record, "regions"):
            held = body.get("snapshot") if isinstance(body, dict) else None
            for number in map(str, held if isinstance(held, list) else ()):
                if (_REGION.match(handle) and _NUMBER.match(number)) or PLACEHOLDER.match(number):
                    argv = ("devlink", "-j", "region", "dump", handle, "snapshot", number)
                    yield Command("devlink.region-dump", argv, bdf, channel="devlink", deadline=DUMP_DEADLINE)

    return [Command("devlink.region", REGIONS, expand=snapshots, pattern=_REGION_PATTERN, channel="devlink")]


DEVLINK = Collector(
    "devlink",
    "devlink: versions, parameters, E-Switch, health, ports, rates",
    (functions(bound("mlx5_core", _commands)), Command("tool.version", ("devlink", "-V"))),
    needs=("iproute2",),
)
DEVLINK_MORE = Collector(
    "devlink-extended",
    "devlink: packet traps",
    (functions(bound("mlx5_core", lambda _: [_show(words, kind) for kind, words in EXTENDED])),),
    tier=2,
    needs=("iproute2",),
)
HEALTH_DUMPS = Collector(
    "health-dumps",
    "devlink: the health dumps that are stored",
    (functions(bound("mlx5_core", _stored_dumps)),),
    tier=3,
    needs=("iproute2",),
    option="health-dumps",
)
REGION_DUMPS = Collector(
    "region-dumps",
    "devlink: the snapshots of address regions that are stored",
    (functions(bound("mlx5_core", _stored_snapshots)),),
    tier=3,
    needs=("iproute2",),
    option="region-dumps",
)
