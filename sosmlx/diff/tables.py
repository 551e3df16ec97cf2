"""What the diff knows as data: names that changed, how much a difference matters, counters whose increase matters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple, cast

from sosmlx.model import Severity

_SUFFIX = re.compile(r"(_P\d+)?(\[\d+\])?\Z")
"""What follows a parameter's name as the vendor's tool prints it: the port, and the element of an array."""


class Alias(NamedTuple):
    """The newest name of a knob that was renamed, and where that is known from."""

    name: str
    source: str


def alias(plane: str, name: str) -> Alias | None:
    """Return the newest name of a knob, or None for one that never changed its name.

    >>> alias("nvconfig", "BOOT_RETRY_CNT").name, alias("nvconfig", "BOOT_RETRY_CNT1").name, alias("nvconfig", "X")
    ('BOOT_RETRY_CNT1', 'BOOT_RETRY_CNT1', None)
    """
    known = _aliases()
    for stem, suffix in _spellings(name):
        found = known.get((plane, stem))
        if found is not None:
            return found._replace(name=found.name + suffix)
    return None


def _spellings(name: str) -> list[tuple[str, str]]:
    match = _SUFFIX.search(name)
    at = match.start() if match else len(name)
    return [(name, "")] if at == len(name) else [(name, ""), (name[:at], name[at:])]


@lru_cache(maxsize=4096)
def severity(plane: str, name: str, cls: str, facet: str, cause: str) -> Severity:
    """Say how much a difference matters before any policy speaks: the first row of the table that matches decides.

    >>> severity("kernel", "taint", "evidence", "current", "unknown")
    'high'
    """
    words = {"plane": plane, "class": cls, "facet": facet, "cause": cause}
    for row in _rows("severity", "severities"):
        if fnmatchcase(name, row.get("name", "*")) and all(row.get(key, word) == word for key, word in words.items()):
            return cast("Severity", row["severity"])
    return "medium"


@lru_cache(maxsize=4096)
def symptom(plane: str, name: str) -> str:
    """Say what an increase of a counter means; empty for one that says nothing by itself.

    >>> symptom("ethtool", "stats.rx_out_of_buffer@eth1"), symptom("ethtool", "stats.rx_bytes")
    ('packets dropped: the receive queue had no buffer', '')
    """
    short = name.partition("@")[0]
    for row in _rows("symptoms", "symptoms"):
        if row["plane"] == plane and fnmatchcase(short, row["name"].partition("@")[0]):
            return row["meaning"]
    return ""


@cache
def _aliases() -> Mapping[tuple[str, str], Alias]:
    found: dict[tuple[str, str], Alias] = {}
    for row in _rows("aliases", "aliases"):
        found[row["plane"], row["old"]] = found[row["plane"], row["new"]] = Alias(row["new"], row["source"])
    return found


@cache
def _rows(name: str, key: str) -> tuple[Mapping[str, str], ...]:
    text = (resources.files("sosmlx.data") / f"{name}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text)[key])
