"""What the tools of a host print about a scenario's functions, in the formats of the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Callable

from sosmlx.record import Answer, Outcome
from sosmlx.simulator import ethtool, iproute
from sosmlx.simulator.iproute import NO_SUCH_DEVICE, NOT_SUPPORTED, Refused

Functions = Mapping[str, object]
_OUTCOMES = {NO_SUCH_DEVICE: Outcome.VANISHED, NOT_SUPPORTED: Outcome.UNSUPPORTED}


def run(argv: Sequence[str], version: str, functions: Functions, nth: int = 0) -> Answer:
    """Answer one command line, asked for the nth time (from 0); one that the kernel refuses fails as the tool does."""
    tool = f"/usr/sbin/{argv[0]}"
    if argv[-1] in ("-V", "--version"):
        return Answer(f"{version}\n".encode(), rc=0, tool=tool)
    try:
        text = _TOOLS[argv[0]](tuple(argv[1:]), functions, nth) if argv[0] in _TOOLS else ""
    except Refused as refused:
        reason = f"kernel answers: {refused}"
        return Answer(outcome=_OUTCOMES[str(refused)], reason=reason, rc=1, stderr=f"{reason}\n".encode(), tool=tool)
    return Answer(text.encode(), rc=0, tool=tool)


def _devlink(words: tuple[str, ...], functions: Functions, nth: int) -> str:
    return iproute.devlink(words[1:], functions)


def _rdma(words: tuple[str, ...], functions: Functions, nth: int) -> str:
    return iproute.rdma(tuple(word for word in words if word not in ("-j", "-d")), functions)


def _links(tool: str) -> Callable[[tuple[str, ...], Functions, int], str]:
    def answer(words: tuple[str, ...], functions: Functions, nth: int) -> str:
        return iproute.links(tool, tuple(word for word in words if not word.startswith("-")), functions)

    return answer


def _ethtool(words: tuple[str, ...], functions: Functions, nth: int) -> str:
    """Answer `ethtool [OPTION] NETDEV [WORDS]`."""
    known = {name: (bdf, netdev) for bdf, body in functions.items() for name, netdev in _netdevs(body).items()}
    for at, word in enumerate(words):
        if word in known:
            bdf, netdev = known[word]
            rest = words[at + 1 :]
            text = None if rest else ethtool.show(words[:at], word, bdf, _object(netdev), nth)
            if text is None:
                raise Refused(NOT_SUPPORTED)
            return text
    raise Refused(NO_SUCH_DEVICE)


def _netdevs(body: object) -> dict[str, object]:
    return _object(_object(body).get("netdevs"))


def _mstconfig(words: tuple[str, ...], functions: Functions, nth: int) -> str:
    node = words[1]
    for bdf, body in functions.items():
        function = _object(body)
        if node in (bdf, function.get("fwctl")) and "flash" in function:
            return query_text(node, _object(function.get("flash_head")), _object(function["flash"]))
    raise Refused(NO_SUCH_DEVICE)


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


_TOOLS: dict[str, Callable[[tuple[str, ...], Functions, int], str]] = {
    "devlink": _devlink, "ethtool": _ethtool, "rdma": _rdma, "mstconfig": _mstconfig,
    **{tool: _links(tool) for tool in ("ip", "tc", "bridge", "dcb")},
}  # fmt: skip


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
