"""iproute2's ip, tc, bridge and dcb, as JSON, one netdev of an adapter at a time: links, queues, bridges, DCB."""

from __future__ import annotations

from collections.abc import Iterable

from sosmlx.collectors.netdev import ethernet, netdevs
from sosmlx.collectors.spec import Collector, Command, Read

LINK = (
    ("ip.link", ("ip", "-j", "-d", "-s", "link", "show", "dev"), True),
    ("ip.addr", ("ip", "-j", "-d", "addr", "show", "dev"), False),
    ("tc.qdisc", ("tc", "-j", "-s", "qdisc", "show", "dev"), False),
    ("bridge.link", ("bridge", "-j", "-d", "link", "show", "dev"), False),
    ("bridge.vlan", ("bridge", "-j", "vlan", "show", "dev"), False),
)
"""Kind, command, and whether it holds the network lock for long: `ip link` lists the VFs of a function."""

DCB = ("app", "pfc", "ets", "buffer", "maxrate", "dcbx", "apptrust", "rewr")
DEADLINE = 15.0


def _command(kind: str, argv: tuple[str, ...], subject: str, rtnl: bool = False) -> Command:
    return Command(kind, argv, subject, deadline=DEADLINE, channel="netlink", rtnl=rtnl)


def _links(name: str, subject: str) -> Iterable[Read]:
    return [_command(kind, (*argv, name), subject, rtnl) for kind, argv, rtnl in LINK]


def _dcb(name: str, subject: str) -> Iterable[Read]:
    return [_command(f"dcb.{what}", ("dcb", "-j", what, "show", "dev", name), subject) for what in DCB]


def _forwarding(name: str, subject: str) -> Iterable[Read]:
    return [_command("bridge.fdb", ("bridge", "-j", "-s", "fdb", "show", "dev", name), subject, rtnl=True)]


def _filters(name: str, subject: str) -> Iterable[Read]:
    return [
        _command("tc.filter", ("tc", "-j", "-s", "filter", "show", "dev", name, side), subject, rtnl=True)
        for side in ("ingress", "egress")
    ]


NETLINK = Collector(
    "netlink",
    "links, addresses, queues, bridge ports and DCB of each netdev",
    (netdevs(_links), ethernet(_dcb), Command("tool.version", ("ip", "-V"), channel="netlink")),
    needs=("iproute2",),
)
FORWARDING = Collector(
    "forwarding", "forwarding tables of bridge ports", (netdevs(_forwarding),), tier=2, needs=("iproute2",)
)
TC_FILTERS = Collector(
    "tc-filters",
    "tc: the rules of each netdev, which can be hundreds of thousands",
    (netdevs(_filters),),
    tier=3,
    needs=("iproute2",),
    option="tc-filters",
)
