"""Kernel modules: what is loaded, what lies on disk, and what modprobe is told to do with it.

Formats: proc(5) for `/proc/modules`, kmod's `lsmod.c` and `modinfo.c`, `Documentation/ABI/stable/sysfs-module`,
modprobe.d(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sosmlx.model import HOST, Evidence, Facet, Fact, Item, Record, Setting, SettingClass, Unparsed
from sosmlx.parsers import shell, values
from sosmlx.parsers.spec import ELIDED, Parser, heading

OURS = re.compile(
    r"(?:mlx[45]\w*|fwctl|ib_core|ib_uverbs|mst_pci\w*|mstflint_access|mlx_compat|mlxdevm|auxiliary|vfio\w*|devlink)\Z"
)
"""Modules whose presence says something about these adapters; all others are kept, and not shown by default."""

_STATES = ("Live", "Loading", "Unloading")
_LETTERS = re.compile(r"\(([A-Z]*)[+-]?\)\Z")
_MESSAGE = re.compile(r"\s*(?:modinfo|modprobe|lsmod|libkmod): |.*(?:command not found|Permission denied)")


def modules(text: str, record: Record) -> Iterator[Item]:
    """`/proc/modules` or `lsmod`: the state of each module; taint letters of a module are in brackets at the end."""
    for number, row in enumerate(text.split("\n"), 1):
        words = row.split()
        if not words:
            continue
        if len(words) < 3 or not words[1].isdigit():
            yield _other(number, row, title=words[0] == "Module")
            continue
        proc = len(words) > 4 and words[4] in _STATES
        state = words[4] if proc else "Live"  # lsmod prints no state
        ours = OURS.match(words[0]) is not None
        cls: SettingClass = "config" if ours else "volatile"
        yield Setting(HOST, "module", words[0], "", (("current", Facet(state, row, state)),), cls)
        if ours:
            yield Fact(HOST, "module", words[0])
        letters = _LETTERS.match(words[-1]) if proc else None
        if (letters and letters[1]) or (ours and proc):
            shown = letters[1] if letters else ""
            yield Setting(HOST, "module", f"{words[0]}.taint", "", (("current", values.text(shown)),), "evidence")


def module_attribute(text: str, record: Record) -> Iterator[Item]:
    """`/sys/module/NAME/{version,srcversion,taint,initstate}`: one value per file; an empty taint is no taint."""
    module = record.path.rpartition("/")[0].rpartition("/")[2] or "module"
    value = text.strip()
    cls: SettingClass = "evidence" if record.name == "taint" else "config"
    yield Setting(HOST, "module", f"{module}.{record.name}", "", (("current", values.text(value)),), cls)
    if record.name == "taint" and value:
        yield Evidence("module.taint", HOST, f"{module}: {value}", "info")


_FIELD = re.compile(r"([a-z_]{2,20}):(?:[ \t\u00a0]+(.*))?\Z")
_FILE = re.compile(r"(?:.*/)?([\w-]+)\.ko(?:\.\w+)?\Z")
_PARAMETER = re.compile(r"([\w.-]+):(.*)\Z")
_YES: dict[str, bool] = {"Y": True, "N": False}
_CLASSES: dict[str, SettingClass] = {
    "license": "identity", "author": "identity", "description": "identity", "name": "identity", "parm": "capability",
    "alias": "capability", "firmware": "capability", "signature": "volatile", "sig_key": "identity",
}  # fmt: skip
"""Classes of what modinfo prints; the rest says which build this is, or what it needs."""


class _Field(NamedTuple):
    """A field of modinfo's output, with the lines that continue it."""

    name: str
    rows: list[str]


def modinfo(text: str, record: Record) -> Iterator[Item]:
    """`modinfo NAME…`: the module as it lies on disk (facet `stored`), which need not be the one that is loaded."""
    fields: list[_Field] = []
    last = base = 0
    for number, row in enumerate(text.split("\n"), 1):
        field = _FIELD.match(row.strip())
        margin = len(row) - len(row.lstrip())
        base = base if fields else margin
        continues = fields and margin > base and number == last + 1
        if field and not continues and not _MESSAGE.match(row):
            if field[1] in ("filename", "name") and any(known.name == field[1] for known in fields):
                yield from _module(fields)
                fields = []
            fields.append(_Field(field[1], [(field[2] or "").strip()]))
        elif row.strip() and continues:
            fields[-1].rows.append(row.strip())
        else:
            if row.strip():
                yield _other(number, row)
            continue
        last = number
    yield from _module(fields)


def _module(fields: list[_Field]) -> Iterator[Item]:
    """Read the fields of one module; a field that occurs again carries its number in its name."""
    if not fields:
        return
    module = _module_name(fields)
    seen: dict[str, int] = {}
    for field in fields:
        raw = " ".join(field.rows).strip()
        name = field.name
        parameter = _PARAMETER.match(raw) if name == "parm" else None
        if parameter:
            name = f"parm.{parameter[1]}"
        seen[name] = seen.get(name, 0) + 1
        instance = f"@{seen[name]}" if seen[name] > 1 else ""
        facet = Facet(_YES[raw], raw) if raw in _YES else values.text(raw)
        if parameter:
            facet = Facet(parameter[2].strip(), raw)
        cls = _CLASSES.get(field.name, "config")
        yield Setting(HOST, "module", f"{module}.{name}{instance}", "", (("stored", facet),), cls)


def _module_name(fields: list[_Field]) -> str:
    """Name a module: as it says, else by its file (whose dashes are underscores in the kernel)."""
    found = {field.name: field.rows[0] for field in reversed(fields)}
    file = _FILE.match(found.get("filename", ""))
    return (found.get("name") or (file[1] if file else "module")).replace("-", "_")


_OPTION = re.compile(r'[^\s="]+="[^"]*"|\S+')
_COMMANDS = ("options", "alias", "blacklist", "install", "remove", "softdep", "weakdep", "config", "include")


def modprobe(text: str, record: Record) -> Iterator[Item]:
    r"""Read `modprobe.d/*.conf`, or what `modprobe -c` prints; a backslash continues a line."""
    waiting: list[str] = []
    for number, row in enumerate(text.split("\n"), 1):
        stripped = row.strip()
        waiting.append(stripped.rstrip("\\").strip())
        if stripped.endswith("\\"):
            continue
        yield from _command(number, " ".join(filter(None, waiting)))
        waiting = []
    yield from _command(text.count("\n") + 1, " ".join(filter(None, waiting)))


def _command(number: int, line: str) -> Iterator[Item]:
    command, _, rest = line.partition(" ")
    words = rest.split()
    if not line:
        return
    if command not in _COMMANDS or not words:
        yield _other(number, line, title=line.startswith("#"))
        return
    module = words[0].replace("-", "_")
    told = rest.strip()[len(words[0]) :].strip()
    if command == "options":
        for option in _OPTION.findall(told):
            name, equals, value = option.partition("=")
            facet = values.word(value.strip('"')) if equals else Facet(True, option)
            yield _told(f"{module}.{name}", facet._replace(raw=option), line)
    elif command == "blacklist":
        yield _told(f"{module}.blacklist", Facet(True, words[0]), line)
    elif command == "alias":
        yield _told(f"alias.{words[0]}", values.text(told), line)
    else:
        yield _told(f"{module}.{command}", values.text(told), line)
    yield heading(HOST, line)


def _told(name: str, facet: Facet, line: str) -> Setting:
    return Setting(HOST, "module", f"modprobe.{name}", "", (("current", facet),), "config")


def _other(number: int, row: str, title: bool = False) -> Item:
    """Keep a line that is no row: a title, the shell's, a tool's message, or nothing that is known."""
    if title or shell.is_command(row):
        return heading(HOST, row)
    if shell.is_elision(row):
        return Evidence(ELIDED, HOST, row.strip())
    if _MESSAGE.match(row):
        return Evidence("tool.message", HOST, row.strip())
    return Unparsed(number, row)


TABLE = (
    Parser(
        "kernel.modules",
        modules,
        ("module",),
        re.compile(
            r"^[ \t]*(?:Module +Size +Used by|\w+ \d+ \d+ \S+ (?:Live|Loading|Unloading) 0x"
            r"|(?:mlx[45]_\w+|mlx_compat|ib_core|ib_uverbs) {2,}\d{4,10} {1,10}\d{1,6}(?:[ \t]+[a-z][\w,]*)?[ \t]*$)",
            re.MULTILINE,
        ),
        identity=True,
    ),
    Parser("module.attribute", module_attribute, ("module",), identity=True),
    Parser(
        "kernel.modinfo",
        modinfo,
        ("module",),
        re.compile(
            r"^[ \t]*(?:filename:[ \t]+(?:/\S+\.ko(?:\.\w+)?|\(builtin\))|vermagic:[ \t]+\d"
            r"|srcversion:[ \t]+[0-9A-F]{8}|modinfo: ERROR: )",
            re.MULTILINE,
        ),
    ),
    Parser(
        "kernel.modprobe",
        modprobe,
        ("module",),
        re.compile(
            r"^[ \t]*(?:options[ \t]+[\w-]+[ \t]+\w[\w.]*=|softdep[ \t]+[\w-]+[ \t]+(?:pre|post):"
            r"|blacklist[ \t]+[\w-]+[ \t]*$|(?:install|remove)[ \t]+[\w-]+[ \t]+(?:/usr)?/s?bin/\w"
            r"|alias[ \t]+[^\s='\"]+[ \t]+[\w-]+[ \t]*$)",
            re.MULTILINE,
        ),
    ),
)
