"""`mlxreg --get` and `mstreg --get`: the fields of a register, or its words where the tool does not know its fields.

Format as printed by mstflint's `mlxreg` (`mlxreg_ui.cpp`): a title, two columns between rules of `=`, values in hex.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from sosmlx.model import Evidence, Fact, Item, Setting, SettingClass
from sosmlx.parsers import values
from sosmlx.parsers.pasted import asked, device_facts, device_of, option, remark
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record

_TOOLS = ("mlxreg", "mstreg")
_FIELD = re.compile(r"\w[\w.\[\]]*\Z")
_VALUE = re.compile(r"(?:0x[0-9a-fA-F]+|-?\d+|N/A)\Z")
_TITLE = re.compile(r"\s*(?:Sending access register\b|Field Name[ \t]+\||Address[ \t]+\|[ \t]+Data\b|={3,}\s*\Z)")
_MESSAGE = re.compile(r"-[EWI]- |not supported|[Ff]ailed|Bad (?:param|flow)|[Uu]nable to|Error|No such device")

_INDEXES = ("local_port", "lp_msb", "pnat", "swid", "port_type", "plane_ind", "slot_index", "module", "page_select")
"""Fields that say which instance of a register this is."""
_BY_REGISTER: dict[str, SettingClass] = {
    "ppcnt": "counter", "mpcnt": "counter", "pddr": "health", "mtmp": "health", "mpein": "health", "slrg": "health",
    "mgir": "firmware", "mcqi": "firmware", "pcam": "capability", "mcam": "capability", "qcam": "capability",
}  # fmt: skip
_CAPABILITIES = ("_select", "_cap", "_supported")
"""How fields end that tell what can be configured; in an answer, a select bit says so of its field."""


def get(text: str, record: Record) -> Iterator[Item]:
    """Yield one setting per field; a field that a register repeats is numbered from its second time on."""
    device, register, instance = device_of(record, ()), "", ""
    seen: Counter[str] = Counter()
    told: set[Fact] = set()
    for number, line in enumerate(text.split("\n"), 1):
        words = asked(line, _TOOLS)
        if words is not None:
            device = device_of(record, words, "-d", "--device", otherwise=device)
            register, instance = option(words, "--reg_name", "--reg_id").lower(), _instance(words)
            yield from (fact for fact in device_facts(device) if fact not in told)
            told.update(device_facts(device))
        if words is not None or _TITLE.match(line):
            seen.clear()
            yield heading(device, line)
            continue
        field, value, remark = _row(line)
        if not field:
            yield from _other(number, line, device)
            continue
        seen[field] += 1
        repeat = f"#{seen[field]}" if seen[field] > 1 else ""
        name = (f"{register}.{field}" if register else field) + repeat + instance
        yield Setting(device, "register", name, "", (("current", values.text(value)),), _class(register, field))
        if remark:
            yield heading(device, line)


def _row(line: str) -> tuple[str, str, str]:
    """Split a row into field, value and what somebody wrote behind it; all empty where it is none."""
    name, bar, rest = line.partition("|")
    words = rest.split(None, 1)
    if not bar or not words or "|" in rest or not _FIELD.match(name.strip()) or not _VALUE.match(words[0]):
        return "", "", ""
    return name.strip(), words[0], "".join(words[1:])


def _instance(words: Sequence[str]) -> str:
    """Name the instance that was asked for, so that a register read for two ports is two rows."""
    indexes = option(words, "-i", "--indexes")
    return f"@{indexes}" if indexes else ""


def _class(register: str, field: str) -> SettingClass:
    bare = field.rpartition(".")[2]
    if bare in _INDEXES:
        return "identity"
    return "capability" if bare.endswith(_CAPABILITIES) else _BY_REGISTER.get(register, "config")


def _other(number: int, line: str, device: str) -> Iterator[Item]:
    if line.count("|") > 1:
        yield Evidence("register.layout", device, line.strip())
    elif line.strip():
        yield remark(number, line, device, _MESSAGE)


TABLE = (
    Parser(
        "mlxreg.get",
        get,
        ("register",),
        re.compile(
            r"^[ \t]*(?:Sending access register\.\.\.|(?:Field Name|Address)[ \t]+\|[ \t]+Data\b"
            r"|[A-Za-z_][\w.\[\]]*[ \t]*\|[ \t]*0x[0-9a-fA-F]{8}\b)",
            re.MULTILINE,
        ),
        identity=True,
    ),
)
