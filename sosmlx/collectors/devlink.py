"""devlink, as JSON, one command per function: versions, parameters, E-Switch mode, health, ports."""

from __future__ import annotations

from collections.abc import Iterable

from sosmlx.collectors.pci import bound, functions
from sosmlx.collectors.spec import Collector, Command, Read

OF_FUNCTION = (("devlink.info", ("dev", "info")), ("devlink.eswitch", ("dev", "eswitch", "show")))
OF_HOST = (
    ("devlink.param", ("dev", "param", "show")),
    ("devlink.health", ("health", "show")),
    ("devlink.port", ("port", "show")),
)
"""`show` commands that take no bare device handle in devlink(8): one answer for the whole host."""


def _commands(bdf: str) -> Iterable[Read]:
    of_host = [Command(kind, ("devlink", "-j", *words), channel="devlink") for kind, words in OF_HOST]
    handle = f"pci/{bdf}"
    return of_host + [
        Command(kind, ("devlink", "-j", *words, handle), bdf, channel="devlink") for kind, words in OF_FUNCTION
    ]


DEVLINK = Collector(
    "devlink",
    "devlink: versions, parameters, E-Switch, health, ports",
    (functions(bound("mlx5_core", _commands)), Command("tool.version", ("devlink", "-V"))),
    needs=("iproute2",),
)
