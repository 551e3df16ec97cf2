"""`--device`: which functions a user's words name, and collectors that read those functions and the host alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sosmlx.collectors.adapters import CLASS
from sosmlx.collectors.engine import ask
from sosmlx.collectors.pci import DEVICES, MELLANOX
from sosmlx.collectors.spec import Collector, File, Read, Refusal, device, names
from sosmlx.errors import UsageError
from sosmlx.record import HOST, Record
from sosmlx.sources.base import How, Source

NODES = "/dev/fwctl/"


def functions_of(source: Source, words: Sequence[str]) -> frozenset[str]:
    """Find the functions that words name: a BDF, a netdev, an RDMA device or a fwctl device (or its node).

    Raises UsageError for a word that names none.
    """
    known = _known(source)
    chosen: set[str] = set()
    for word in words:
        name = word[len(NODES) :] if word.startswith(NODES) else word
        found = {bdf for bdf, other in known.items() if name in other or _is_address(bdf, name.lower())}
        if not found:
            there = ", ".join(name for other in known.values() for name in other) or "no adapter at all"
            raise UsageError(f"--device {word}: no such device on this host", f"there are: {there}")
        chosen |= found
    return frozenset(chosen)


def _is_address(bdf: str, word: str) -> bool:
    """Tell whether a word is this function's address, in full or without the domain."""
    return word == bdf or (len(word) == 7 and bdf.endswith(f":{word}"))


def _known(source: Source) -> dict[str, list[str]]:
    """Map each function of the vendor to its names: BDF, netdevs, RDMA devices, fwctl devices."""
    known: dict[str, list[str]] = {}
    for bdf in names(_read(source, DEVICES, "names"), "bdf"):
        if _read(source, f"{DEVICES}/{bdf}/vendor", "bytes").data.strip() == MELLANOX:
            parts = [names(_read(source, f"{DEVICES}/{bdf}/{kind}", "names")) for kind in ("net", "infiniband")]
            known[bdf] = [bdf, *(name for part in parts for name in part)]
    for node in names(_read(source, CLASS, "names")):
        target = _read(source, f"{CLASS}/{node}/device", "link").data.decode("utf-8", "replace")
        known.get(target.rpartition("/")[2], []).append(node)
    return known


def _read(source: Source, path: str, how: How) -> Record:
    read = File("pci.functions", path, how=how)
    return Record("", read.kind, "", HOST, ask(source, read, read.deadline), path=path)


def only(collectors: Iterable[Collector], functions: Collection[str]) -> tuple[Collector, ...]:
    """Narrow collectors to what they read of the host and of these functions."""
    return tuple(row._replace(reads=tuple(_narrowed(row.reads, functions))) for row in collectors)


def _narrowed(reads: Iterable[Read], functions: Collection[str]) -> list[Read]:
    """Leave out reads of other functions, also those that an answer will lead to."""
    kept = [read for read in reads if device(read) == HOST or device(read) in functions or "{" in device(read)]
    return [_narrow(read, functions) for read in kept]


def _narrow(read: Read, functions: Collection[str]) -> Read:
    if isinstance(read, Refusal) or read.expand is None:
        return read
    expand = read.expand
    return read._replace(expand=lambda record: _narrowed(expand(record), functions))
