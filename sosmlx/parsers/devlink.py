"""`devlink -j`: device info, parameters, E-Switch mode, health reporters, ports.

JSON shapes: iproute2 `devlink/devlink.c`; an object under the command's name, keyed by handle (`pci/BDF`,
`pci/BDF/PORT`, `auxiliary/NAME`). Unknown members are kept as settings, so that a newer iproute2 loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from sosmlx.errors import ParseError
from sosmlx.jsonio import tool_json
from sosmlx.model import Evidence, Facet, Fact, Item, Plane, Record, Setting, SettingClass
from sosmlx.parsers.spec import Parser
from sosmlx.parsers.values import flatten, from_json

_VERSION_FACET = {"fixed": "current", "running": "running", "stored": "stored"}
_INFO_FACTS = {"serial_number": "serial", "board.serial_number": "board", "driver": "driver"}
_HEALTH_CLASS: dict[str, SettingClass] = {
    "state": "health", "error": "counter", "recover": "counter", "last_dump_date": "volatile",
    "last_dump_time": "volatile",
}  # fmt: skip
_PORT_IDENTITY = ("netdev", "ibdev", "function.hw_addr")


def info(text: str, record: Record) -> Iterator[Item]:
    """`devlink -j dev info`: firmware versions running and stored, PSID, serials."""
    for handle, body in _handles(text, "info", record):
        device = _device(handle)
        facets: dict[str, list[tuple[str, Facet]]] = {}
        versions = body.pop("versions", {})
        for kind, names in (versions if isinstance(versions, dict) else {}).items():
            for name, version in (names if isinstance(names, dict) else {}).items():
                facets.setdefault(str(name), []).append((_VERSION_FACET.get(kind, "current"), _text(version)))
        for name, views in facets.items():
            identity = name == "fw.psid"
            yield Setting(device, "firmware", name, "", tuple(views), "identity" if identity else "firmware")
            yield from (
                Fact(device, "psid" if identity else f"{name}.{facet}", str(view.value)) for facet, view in views
            )
        for name, value in flatten("", body).items():
            yield Setting(device, "firmware", name, "", (("current", _text(value)),), "identity")
            yield Fact(device, _INFO_FACTS.get(name, f"devlink.{name}"), str(value))


def params(text: str, record: Record) -> Iterator[Item]:
    """`devlink -j dev param show`: one setting per parameter and cmode; a permanent value is flash *next*."""
    for handle, body in _handles(text, "param", record):
        types: dict[str, list[str]] = {}
        for entry in _list(body):
            name = str(entry.get("name", ""))
            types.setdefault(str(entry.get("type", "")), []).append(name)
            values = entry.get("values")
            for value in _list({"": values}):
                facets = [(facet, from_json(value[key])) for facet, key in (("default", "default"),) if key in value]
                cmode = value.get("cmode", "")
                if "value" in value:
                    facets.append(("next" if cmode == "permanent" else "current", from_json(value["value"])))
                yield Setting(_device(handle), "devlink", _part(handle, name), cmode, tuple(facets))  # type: ignore[arg-type]
            if not values:
                yield Evidence("devlink.no-value", _device(handle), f"{name}: listed without a value")
        for kind, members in types.items():
            yield Evidence("devlink.param-type", _device(handle), f"{kind}: {', '.join(members)}")


def eswitch(text: str, record: Record) -> Iterator[Item]:
    """`devlink -j dev eswitch show`: mode, inline mode, encapsulation mode."""
    for handle, body in _handles(text, "dev", record):
        yield from _flat(handle, "devlink", "eswitch", body, {})


def health(text: str, record: Record) -> Iterator[Item]:
    """`devlink -j health show`: state, counts and settings of each reporter."""
    for handle, body in _handles(text, "health", record):
        for entry in _list(body):
            reporter = str(entry.pop("reporter", ""))
            yield from _flat(handle, "health", reporter, entry, _HEALTH_CLASS)
            if entry.get("state") == "error":
                yield Evidence("health", _device(handle), f"reporter {reporter} is in state error", "high")


def ports(text: str, record: Record) -> Iterator[Item]:
    """`devlink -j port show`: flavour, type, netdev and function attributes of each port."""
    for handle, body in _handles(text, "port", record):
        netdev = body.get("netdev")
        if isinstance(netdev, str):
            yield Fact(_device(handle), "netdev" if body.get("flavour") == "physical" else "representor", netdev)
        classes: dict[str, SettingClass] = dict.fromkeys(_PORT_IDENTITY, "identity")
        yield from _flat(handle, "devlink", "port", body, classes)


def _flat(
    handle: str, plane: Plane, prefix: str, body: dict[str, object], classes: dict[str, SettingClass]
) -> Iterator[Item]:
    for name, value in flatten("", body).items():
        full = _part(handle, f"{prefix}.{name}")
        yield Setting(_device(handle), plane, full, "", (("current", from_json(value)),), classes.get(name, "config"))


def _handles(text: str, member: str, record: Record) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each handle of a document with its members. Raises ParseError."""
    try:
        document, _repeated = tool_json(text)
    except ValueError as error:
        raise ParseError(f"devlink {member}: not JSON ({error})") from None
    body = document.get(member) if isinstance(document, dict) else None
    if not isinstance(body, dict):
        raise ParseError(f"devlink {member}: no object {member!r} in the answer")
    for handle, members in body.items():
        yield str(handle), dict(members) if isinstance(members, dict) else {"": members}


def _list(body: dict[str, object]) -> list[dict[str, object]]:
    """Return the entries of a handle that holds a list."""
    entries = body.get("")
    return [dict(entry) for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _device(handle: str) -> str:
    """`pci/0000:08:00.0/65535` belongs to function `0000:08:00.0`; other buses keep their bus in the name."""
    bus, _, rest = handle.partition("/")
    return rest.partition("/")[0] if bus == "pci" else "/".join(handle.split("/")[:2])


def _part(handle: str, name: str) -> str:
    """Give a port's setting its port index, so that two ports of a function do not share a key."""
    port = "/".join(handle.split("/")[2:])
    return f"{name}@{port}" if port else name


def _text(value: object) -> Facet:
    return Facet(value, value) if isinstance(value, str) else from_json(value)


TABLE = (
    Parser("devlink.info", info, ("firmware",), members=("info",), identity=True),
    Parser("devlink.param", params, ("devlink",), members=("param",), identity=True),
    Parser("devlink.eswitch", eswitch, ("devlink",), members=("dev/*/mode",)),
    Parser("devlink.health", health, ("health",), members=("health",), identity=True),
    Parser("devlink.port", ports, ("devlink",), members=("port",), identity=True),
)
