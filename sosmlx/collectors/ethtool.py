"""ethtool, the options that show: one command per option and Ethernet netdev.

As text: every version prints it, `--json` depends on version and option (before 5.14 it is ignored without a word, to
6.13 half of the options refuse it), and two bundles should not differ only because of the tool.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sosmlx.collectors.netdev import ethernet
from sosmlx.collectors.spec import Collector, Command, Read


class Option(NamedTuple):
    """An option of ethtool that shows something; `slow` ones ask the firmware while the network lock is held."""

    kind: str
    words: tuple[str, ...]
    slow: bool = False
    after: tuple[str, ...] = ()


OPTIONS = (
    Option("ethtool.driver", ("-i",)),
    Option("ethtool.link", ()),
    Option("ethtool.features", ("-k",)),
    Option("ethtool.rings", ("-g",)),
    Option("ethtool.channels", ("-l",)),
    Option("ethtool.coalesce", ("-c",)),
    Option("ethtool.pause", ("-a",)),
    Option("ethtool.fec", ("--show-fec",)),
    Option("ethtool.priv-flags", ("--show-priv-flags",)),
    Option("ethtool.rss", ("-x",)),
    Option("ethtool.flows", ("-n",)),
    Option("ethtool.timestamps", ("-T",)),
    Option("ethtool.tunnels", ("--show-tunnels",)),
    Option("ethtool.eee", ("--show-eee",)),
    Option("ethtool.address", ("-P",)),
    Option("ethtool.module", ("-m",), slow=True),
    Option("ethtool.module-power", ("--show-module",)),
)
COUNTERS = (
    Option("ethtool.stats", ("-S",), slow=True),
    Option("ethtool.groups", ("-S",), slow=True, after=("--groups", "eth-phy", "eth-mac", "eth-ctrl", "rmon")),
)

DEADLINE = 15.0


def _asked(options: Iterable[Option], name: str, subject: str) -> Iterable[Read]:
    return [
        Command(
            option.kind, ("ethtool", *option.words, name, *option.after), subject, deadline=DEADLINE, rtnl=option.slow,
            channel="ethtool",
        )
        for option in options
    ]  # fmt: skip


ETHTOOL = Collector(
    "ethtool",
    "ethtool: driver, link, features, rings, channels, FEC, module",
    (
        ethernet(lambda name, subject: _asked(OPTIONS, name, subject)),
        Command("tool.version", ("ethtool", "--version"), channel="ethtool"),
    ),
    needs=("ethtool",),
)


def counters(name: str, subject: str) -> Iterable[Read]:
    """Read the driver's counters of a netdev."""
    return _asked(COUNTERS[:1], name, subject)


ETHTOOL_COUNTERS = Collector(
    "ethtool-counters",
    "ethtool: counters",
    (ethernet(lambda name, subject: _asked(COUNTERS, name, subject)),),
    needs=("ethtool",),
)
