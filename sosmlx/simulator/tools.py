"""What devlink, ethtool and mstconfig print about a scenario's functions, in the formats of the real tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Callable

from sosmlx.record import Answer, Outcome

Functions = Mapping[str, object]


def run(argv: Sequence[str], version: str, functions: Functions) -> Answer:
    """Answer one command line; one that the tool would not take fails as the tool does."""
    tool = f"/usr/sbin/{argv[0]}"
    if argv[-1] in ("-V", "--version"):
        return Answer(f"{version}\n".encode(), rc=0, tool=tool)
    text = _TOOLS[argv[0]](tuple(argv[1:]), functions) if argv[0] in _TOOLS else None
    if text is None:
        message = b"kernel answers: No such device\n"
        return Answer(outcome=Outcome.VANISHED, reason=message.decode().strip(), rc=1, stderr=message, tool=tool)
    return Answer(text.encode(), rc=0, tool=tool)


def _devlink(words: tuple[str, ...], functions: Functions) -> str | None:
    whole = {("-j", "dev", "param", "show"): ("param", "params"), ("-j", "health", "show"): ("health", "health"),
             ("-j", "port", "show"): ("port", "ports")}  # fmt: skip
    if words in whole:
        member, key = whole[words]
        found: dict[str, object] = {}
        for bdf, body in functions.items():
            value = _object(_object(body).get("devlink")).get(key)
            if isinstance(value, dict) and key == "ports":
                found.update({f"pci/{bdf}/{port}": row for port, row in value.items()})
            elif value is not None:
                found[f"pci/{bdf}"] = value
        return _compact({member: found})
    one = {("-j", "dev", "info"): ("info", "info"), ("-j", "dev", "eswitch", "show"): ("dev", "eswitch")}
    if words[:-1] in one:
        member, key = one[words[:-1]]
        value = _object(_object(functions.get(words[-1].partition("/")[2])).get("devlink")).get(key)
        return None if value is None else _compact({member: {words[-1]: value}})
    return None


def _compact(document: object) -> str:
    return json.dumps(document, separators=(",", ":")) + "\n"


def _ethtool(words: tuple[str, ...], functions: Functions) -> str | None:
    option, name = words
    for bdf, body in functions.items():
        netdev = _object(_object(body).get("netdevs")).get(name)
        if netdev is not None and option in _ETHTOOL:
            return _ETHTOOL[option](name, bdf, _object(netdev))
    return None


def _driver(name: str, bdf: str, netdev: Mapping[str, object]) -> str:
    rows = {"driver": "mlx5_core", **_object(netdev.get("driver")), "expansion-rom-version": "", "bus-info": bdf}
    return "".join(f"{row}: {value}\n" for row, value in rows.items())


def _features(name: str, bdf: str, netdev: Mapping[str, object]) -> str:
    return f"Features for {name}:\n" + "".join(
        f"{feature}: {value}\n" for feature, value in _object(netdev.get("features")).items()
    )


def _rings(name: str, bdf: str, netdev: Mapping[str, object]) -> str:
    return _two_parts(f"Ring parameters for {name}:", _object(netdev.get("rings")))


def _channels(name: str, bdf: str, netdev: Mapping[str, object]) -> str:
    return _two_parts(f"Channel parameters for {name}:", _object(netdev.get("channels")))


def _priv_flags(name: str, bdf: str, netdev: Mapping[str, object]) -> str:
    rows = _object(netdev.get("priv_flags")).items()
    return f"Private flags for {name}:\n" + "".join(f"{flag:<18}: {value}\n" for flag, value in rows)


def _two_parts(title: str, rows: Mapping[str, object]) -> str:
    """Print `{row: [maximum, current]}` in the two parts that ethtool prints."""
    pairs = {row: value if isinstance(value, list) else ["n/a", value] for row, value in rows.items()}
    lines: list[str] = [title, "Pre-set maximums:"]
    lines += [f"{row}:\t\t{pair[0]}" for row, pair in pairs.items()]
    lines.append("Current hardware settings:")
    lines += [f"{row}:\t\t{pair[1]}" for row, pair in pairs.items()]
    return "\n".join(lines) + "\n\n"


_ETHTOOL: dict[str, Callable[[str, str, Mapping[str, object]], str]] = {
    "-i": _driver, "-k": _features, "-g": _rings, "-l": _channels,
    "--show-priv-flags": _priv_flags,
}  # fmt: skip


def _mstconfig(words: tuple[str, ...], functions: Functions) -> str | None:
    node = words[1]
    for bdf, body in functions.items():
        function = _object(body)
        if node in (bdf, function.get("fwctl")) and "flash" in function:
            return query_text(node, _object(function.get("flash_head")), _object(function["flash"]))
    return None


def query_text(node: str, head: Mapping[str, object], flash: Mapping[str, object]) -> str:
    """Print `mstconfig -e q`: `flash` maps a name to its default, current and next text."""
    lines = ["", "Device #1:", "----------", ""]
    lines += [f"{row + ':':<20}{value:<20}" for row, value in {**head, "Device": node}.items()]
    lines += ["", f"{'Configurations:':<52}{'Default':<21}{'Current':<21}Next Boot"]
    for name, value in flash.items():
        views = [str(view) for view in value] if isinstance(value, list) else [str(value)] * 3
        star = "*" if len(set(views)) > 1 else " "
        lines.append(f"{star}       {name:<44}{views[0]:<21}{views[1]:<21}{views[2]:<21}")
    lines.append("The '*' shows parameters with next value different from default/current value.")
    return "\n".join(lines) + "\n"


_TOOLS: dict[str, Callable[[tuple[str, ...], Functions], str | None]] = {
    "devlink": _devlink, "ethtool": _ethtool, "mstconfig": _mstconfig,
}  # fmt: skip


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
