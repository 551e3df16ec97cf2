"""The table of parsers, by record kind. A parser's module is imported when one of its kinds is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from sosmlx.parsers.spec import Parser, unparsed

UNKNOWN = "unknown"
"""The kind of a text that nobody recognised: its lines are kept and counted."""

MODULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("mlxfwmanager", ("mlxfwmanager",)),  # before mlxconfig: its devices have the same titles
    ("flint", ("flint",)),
    ("mst", ("mst",)),
    ("mlxconfig", ("mlxconfig",)),
    ("devlink", ("devlink",)),
    ("dumps", ("devlink",)),
    ("ethtool", ("ethtool",)),
    ("ethtool_link", ("ethtool",)),
    ("ethtool_flow", ("ethtool",)),
    ("ethtool_stats", ("ethtool",)),
    ("ethtool_module", ("ethtool",)),
    ("sysfs", ("pci", "net", "rdma", "hwmon", "fwctl", "platform", "folder")),
    ("channels", ("pci", "mst", "misc", "cuse")),
    ("sweeps", ("pci", "net", "rdma", "hwmon", "kernel", "platform", "mlx5")),
    ("config_space", ("pci",)),
    ("services", ("net", "ovs", "kernel")),
    ("packages", ("kernel", "tool")),
    ("mlxlink", ("mlxlink",)),
    ("mlxreg", ("mlxreg",)),
    ("gids", ("show_gids", "ibdev2netdev")),
    ("qos", ("mlnx_qos", "cma_roce_mode")),
    ("infiniband", ("ibstat", "ibstatus", "ibv_devinfo")),
    ("lspci", ("lspci",)),
    ("rdma", ("rdma",)),
    ("dcb", ("dcb",)),
    ("iproute", ("tc", "bridge")),
    ("iplink", ("ip",)),
    ("kernel_modules", ("kernel", "module")),
    ("kernel_log", ("kernel",)),
    ("kernel", ("kernel", "tool")),
    ("flash", ("register", "nvconfig")),
    ("firmware", ("register", "fwctl")),
    ("registers", ("register",)),
    ("commands", ("mailbox",)),
)
"""Module → the first words of its kinds, in the order in which a text is recognised: the first claim counts."""


@cache
def table(module: str) -> tuple[Parser, ...]:
    """Import one parser module and return its rows."""
    rows: tuple[Parser, ...] = importlib.import_module(f"sosmlx.parsers.{module}").TABLE
    return rows


def rows() -> Iterator[Parser]:
    """Yield every parser in the order of recognition, importing modules one by one as they are reached."""
    for module, _ in MODULES:
        yield from table(module)


@lru_cache(1024)
def _find(kind: str) -> Parser | None:
    """Find the parser of a kind; a bundle's records ask again and again for few, and may name any."""
    tool = kind.partition(".")[0]
    tables = (table(module) for module, tools in MODULES if tool in tools)
    return next((parser for rows in tables for parser in rows if parser.kind == kind), None)


class _Parsers(Mapping[str, Parser]):
    """Every kind's parser; looking one up imports no more than the modules of its tool."""

    _unknown = Parser(UNKNOWN, lambda text, record: unparsed(text))

    def __getitem__(self, kind: str) -> Parser:
        parser = self._unknown if kind == UNKNOWN else _find(kind)
        if parser is None:
            raise KeyError(kind)
        return parser

    def __iter__(self) -> Iterator[str]:
        yield from (parser.kind for parser in rows())
        yield UNKNOWN

    def __len__(self) -> int:
        return sum(1 for _ in self)


PARSERS: Mapping[str, Parser] = _Parsers()
