"""Where the adapters' drivers come from: the kernel's own tree, a vendor's stack, or both beside each other.

Sources: `kernel/module/main.c` (O where modinfo has no `intree`, E where a signature was asked for and is missing),
`kernel/panic.c` (which letters are kept per module), modinfo(8), and `Documentation/ABI/stable/sysfs-module`. It says
who supports the host; a vendor's stack is normal for many and taints nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sosmlx.model import Setting, Snapshot, Value, known
from sosmlx.parsers.kernel_modules import OURS
from sosmlx.policy.device import names
from sosmlx.record import HOST

INBOX, VENDOR, MIXED, UNSIGNED, UNKNOWN = "inbox", "vendor stack", "mixed", "unsigned", "unknown"
"""Origins of the drivers of a host."""

_STACK = re.compile(r"(?:mlx5\w*|ib_(?:core|uverbs|umad|cm|ipoib)|rdma_u?cm|iw_cm)\Z")
"""Modules that a vendor's stack replaces together: they must be of one build."""

_LONGEST = 60
"""So much of a version or a signer's name is said."""

_COMPAT = "mlx_compat"
"""The foundation of a vendor's stack, which no kernel tree has."""

_ON_DISK = ((INBOX, re.compile(r"\(builtin\)|.*/kernel/")), (VENDOR, re.compile(r".*/(?:extra|updates|weak-updates)/")))
"""What the place of a module's file says of it (kbuild's `INSTALL_MOD_DIR`, depmod.d(5))."""


class Origin(NamedTuple):
    """Where the drivers come from in one word, and in words; `unsigned` names modules without a trusted signature."""

    word: str
    words: str
    unsigned: tuple[str, ...] = ()


class _Module(NamedTuple):
    """What is known of one loaded module: origin, version, and whether it is not the one on disk."""

    name: str
    origin: str
    version: str = ""
    signer: str = ""
    unsigned: bool = False
    stale: bool = False


def is_ours(module: str) -> bool:
    """Whether a module is one of the adapters' drivers, of what they rest on, or of the vendor's access modules.

    >>> is_ours("mlx5_core"), is_ours("nvidia")
    (True, False)
    """
    return OURS.match(module) is not None or _STACK.match(module) is not None


def origin(snapshot: Snapshot) -> Origin:
    """Say where the drivers of a host come from: by the words of the loaded modules, or else by modinfo."""
    facts = _facts(snapshot)
    modules = [_module(name, own) for name, own in sorted(facts.items()) if _STACK.match(name) and "" in own]
    kinds = {module.origin for module in modules if module.origin != UNKNOWN}
    if "" in facts.get(_COMPAT, {}):
        kinds.add(VENDOR)
    unsigned = tuple(module.name for module in modules if module.unsigned)
    if not kinds:
        return Origin(*_without(snapshot, bool(modules)), unsigned)
    trouble = list(_trouble(modules))
    word = MIXED if trouble or len(kinds) > 1 else kinds.pop()
    parts = [_named(word, modules), *trouble]
    parts += [f"unsigned: {names(unsigned)}"] if unsigned else []
    signers = dict.fromkeys(module.signer for module in modules if module.signer)
    parts += [f"signed by {names(list(signers))}"] if signers else []
    return Origin(UNSIGNED if unsigned and word != MIXED else word, ", ".join(parts), unsigned)


def _facts(snapshot: Snapshot) -> dict[str, dict[str, Setting]]:
    """Sort the module settings by module; the row of a loaded module has no name of its own."""
    found: dict[str, dict[str, Setting]] = {}
    for setting in snapshot.settings:
        if setting.plane == "module" and setting.device == HOST:
            module, _, name = setting.name.partition(".")
            found.setdefault(module, {})[name] = setting
    return found


def _value(own: Mapping[str, Setting], name: str, view: str) -> Value:
    """Return what is known of a module; None where nothing is."""
    facet = own[name].facet(view) if name in own else None
    return facet.value if facet is not None and known(facet) else None


def _word(own: Mapping[str, Setting], name: str) -> str:
    """Return a short word that a module says of itself, loaded or on disk; empty where it says none."""
    return str(_value(own, name, "current") or _value(own, name, "stored") or "")[:_LONGEST]


def _module(name: str, own: Mapping[str, Setting]) -> _Module:
    letters = _value(own, "taint", "current")
    loaded, stored = _value(own, "srcversion", "current"), _value(own, "srcversion", "stored")
    return _Module(
        name,
        _built(own) if letters is None else VENDOR if "O" in str(letters) else INBOX,
        _word(own, "version"),
        _word(own, "signer"),
        "E" in str(letters or ""),
        bool(loaded and stored) and loaded != stored,
    )


def _built(own: Mapping[str, Setting]) -> str:
    """Tell by modinfo where a module comes from whose own word was not read."""
    if _value(own, "intree", "stored") is True:
        return INBOX
    if "vermagic" in own:  # modinfo prints `intree` before it
        return VENDOR
    place = str(_value(own, "filename", "stored") or "")
    return next((word for word, pattern in _ON_DISK if pattern.match(place)), UNKNOWN)


def _without(snapshot: Snapshot, loaded: bool) -> tuple[str, str]:
    """Say what is known where no module tells: a driver that is bound and no module is built into the kernel."""
    if loaded:
        return UNKNOWN, "origin unknown (the words of the modules were not read)"
    listed = any(row.device == HOST and row.plane == "module" and row.status == "complete" for row in snapshot.coverage)
    if not listed:
        return UNKNOWN, "origin unknown (the modules were not read)"
    if any("devlink" in device.channels for device in snapshot.devices):
        return INBOX, f"{INBOX} (built into the kernel)"
    return UNKNOWN, "none loaded"


def _trouble(modules: list[_Module]) -> Iterator[str]:
    """Say what shows that the modules are not of one build, beside where they come from."""
    stale = [module.name for module in modules if module.stale]
    if stale:
        yield f"{names(stale)} as loaded is not the one on disk"
    versions = {module.version: module.name for module in modules if module.origin == VENDOR and module.version}
    if len(versions) > 1:
        yield " beside ".join(f"{name} {version}" for version, name in sorted(versions.items())[:2])


def _named(word: str, modules: list[_Module]) -> str:
    """Name the origin, with the version of a vendor's stack, or who is what in a mixed one."""
    if word == VENDOR:
        versions = sorted({module.version for module in modules if module.version})
        return " ".join([VENDOR, *versions[:1]])
    members = {kind: [row.name for row in modules if row.origin == kind] for kind in (INBOX, VENDOR)}
    if word == MIXED and all(members.values()):
        return f"{MIXED} ({'; '.join(f'{kind}: {names(found)}' for kind, found in members.items())})"
    return word
