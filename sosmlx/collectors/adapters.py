"""Where the adapters' firmware can be asked: from the fwctl nodes of a host to its physical functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Callable

from sosmlx.collectors.pci import DEVICES, functions
from sosmlx.collectors.spec import PLACEHOLDER, File, Node, Read, names
from sosmlx.fwctl import abi
from sosmlx.record import Record

CLASS = "/sys/class/fwctl"

Each = Callable[[str, str], "Iterable[Read]"]
"""What to read of a physical function: from a node's name and a BDF to reads."""


def adapters(each: Each) -> tuple[Read, ...]:
    """Find the fwctl node of every physical function and read on as `each` says.

    A virtual function is asked only who it is: flash, registers and tokens are its physical function's.
    """

    def nodes(record: Record) -> Iterable[Read]:
        return [_link(node, each) for node in sorted(names(record), key=_natural)]

    return (
        File("fwctl.nodes", CLASS, how="names", expand=nodes, pattern=b"{fwctl}"),
        functions(lambda bdf: _own_folder(bdf, each)),
    )


def answering(node: str, bdf: str, then: Callable[[], Iterable[Read]]) -> Node:
    """Ask a node who answers, and go on where that is the mlx5 driver."""

    def known(record: Record) -> Iterable[Read]:
        mlx5 = record.has_bytes and abi.answerer(record.data) == abi.DeviceType.FWCTL_DEVICE_TYPE_MLX5
        return then() if mlx5 else []

    return Node("fwctl.info", node, bdf, known, abi.INFO_PATTERN)


def _natural(name: str) -> tuple[str, int]:
    """Order `fwctl10` after `fwctl2`."""
    match = re.match(r"(.*?)(\d*)\Z", name)
    return (match[1], int(match[2] or 0)) if match else (name, 0)


def _link(node: str, each: Each) -> File:
    def of_device(link: Record) -> Iterable[Read]:
        bdf = link.data.decode("utf-8", "replace").rpartition("/")[2]
        return [_function(node, bdf, each)] if _is_function(bdf) else []

    return File("fwctl.device", f"{CLASS}/{node}/device", f"host/{node}", "link", of_device, b"../{bdf}")


def _is_function(bdf: str) -> bool:
    return re.match(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\Z", bdf) is not None or bool(PLACEHOLDER.match(bdf))


def _own_folder(bdf: str, each: Each) -> list[Read]:
    """Find a function's nodes in its own folder, too: the class need not be listable."""

    def nodes(record: Record) -> Iterable[Read]:
        return [_function(node, bdf, each) for node in sorted(names(record), key=_natural)]

    return [File("fwctl.nodes", f"{DEVICES}/{bdf}/fwctl", f"{bdf}", "names", nodes, b"{fwctl}", probe=True)]


def _function(node: str, bdf: str, each: Each) -> File:
    def virtual(link: Record) -> Iterable[Read]:
        if link.has_bytes and not PLACEHOLDER.match(node):
            return [Node("fwctl.info", node, bdf)]
        return each(node, bdf)

    return File("pci.link", f"{DEVICES}/{bdf}/physfn", bdf, "link", virtual)
