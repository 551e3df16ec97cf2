"""Sixteen characters that stand for a plane of a device: two engineers compare them before they exchange bundles."""

from __future__ import annotations

import hashlib
import json

from sosmlx.model import Setting, Snapshot

DIGESTED = ("config", "firmware")


def digests(snapshot: Snapshot) -> list[dict[str, str]]:
    """Compute a Merkle root per device and plane over canonical settings; identity-valued ones are left out."""
    leaves: dict[tuple[str, str], list[bytes]] = {}
    for setting in snapshot.settings:
        if setting.cls in DIGESTED:
            leaves.setdefault((setting.device, setting.plane), []).append(_leaf(setting))
    return [
        {"device": device, "plane": plane, "digest": _root(sorted(found)).hex()[:16]}
        for (device, plane), found in sorted(leaves.items())
    ]


def _leaf(setting: Setting) -> bytes:
    facets = [[name, facet.value, facet.reason] for name, facet in setting.facets]
    text = json.dumps([setting.name, setting.cmode, facets], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()


def _root(level: list[bytes]) -> bytes:
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\x01" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


def fingerprint(*parts: str) -> str:
    """Name a difference or finding by what it is about, never by its values: it survives drift.

    >>> fingerprint("changed", "d", "nvconfig", "NUM_OF_VFS") == fingerprint("changed", "d", "nvconfig", "NUM_OF_VFS")
    True
    """
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]
