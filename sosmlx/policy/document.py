"""Policies as documents: a TOML file with what it includes, or one of the policies that come with sosmlx."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from pathlib import Path
from typing import cast

import tomllib

from sosmlx.errors import InputError
from sosmlx.policy.places import HINT, Places, Problems, Row, meant
from sosmlx.policy.rules import SCHEMA as SCHEMA
from sosmlx.policy.rules import Condition as Condition
from sosmlx.policy.rules import Policy as Policy
from sosmlx.policy.rules import Rule as Rule
from sosmlx.policy.rules import Select as Select
from sosmlx.policy.rules import Waiver as Waiver
from sosmlx.policy.tables import rule, select, title, waiver

PREFIX = "builtin:"
MAX_BYTES = 4 << 20
MAX_FILES = 32
MAX_DEPTH = 8
MAX_NESTING = 16
TOP_KEYS: tuple[str, ...] = ("schema", "version", "title", "include", "provenance", "select", "rule", "waiver")

_FAMILY, _, _MAJOR = SCHEMA.partition("/")

# The reader of TOML keeps every prefix of a dotted key: a key of many parts costs memory by the square of their number.
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_LONG_KEY = re.compile(rf"(?:^|[{{,\[])[ \t]*(?:{_PART}){{{MAX_NESTING}}}", re.MULTILINE)


def load(spec: str) -> Policy:
    """Load a policy: `builtin:NAME`, or the path of a TOML file.

    Raises InputError, naming file, line, table and key, for whatever is wrong with it or with a file it includes.
    """
    reading = _Reading(Path(spec).parent)
    if spec.startswith(PREFIX):
        reading.builtin(spec, f"{spec!r}")
        return reading.policy(spec)
    reading.file(Path(spec), spec, spec)
    return reading.policy(spec, path=spec)


def loads(text: str, name: str) -> Policy:
    """Load a policy out of a text that includes no other. Raises InputError, naming it by `name`."""
    reading = _Reading(None)
    reading.text(text, name)
    return reading.policy(name)


def builtins() -> list[str]:
    """List the names of the policies that come with sosmlx."""
    found = (entry.name for entry in resources.files("sosmlx.policy.builtin").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def digest_of(title: str, selects: Sequence[Select], rules: Sequence[Rule], waivers: Sequence[Waiver] = ()) -> str:
    """Compute the SHA-256 of what a policy says: not of its layout, the order of its tables, or where they stand."""
    parts = [sorted(_canonical(row) for row in rows) for rows in (selects, rules, waivers)]
    return hashlib.sha256(_canonical([SCHEMA, title, *parts]).encode("utf-8", "backslashreplace")).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, (Select, Condition, Rule, Waiver)):
        return {name: _plain(part) for name, part in vars(value).items() if name != "where"}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


@dataclass
class _Reading:
    """All that one policy and its includes held, rules and waivers each with the words for their place.

    `folder` is where includes must stay (None: there are none).
    """

    folder: Path | None
    problems: Problems = field(default_factory=Problems)
    selects: list[Select] = field(default_factory=list)
    rules: list[tuple[Rule, str]] = field(default_factory=list)
    waivers: list[tuple[Waiver, str]] = field(default_factory=list)
    title: str = ""
    provenance: Mapping[str, object] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    above: tuple[str, ...] = ()

    def policy(self, name: str, path: str = "") -> Policy:
        """Put together what was read. Raises InputError for whatever was wrong."""
        self._agree()
        self.problems.settle()
        rules = tuple(found if found.title else replace(found, title=title(found)) for found, _ in self.rules)
        waivers = tuple(found for found, _ in self.waivers)
        digest = digest_of(self.title, self.selects, rules, waivers)
        return Policy(name, self.title, tuple(self.selects), rules, waivers, path, digest, self.provenance)

    def builtin(self, name: str, asked: str) -> None:
        """Read one of our own policies; `asked` says who wants it."""
        known = [PREFIX + found for found in builtins()]
        if name not in known:
            near = meant(name, known) or f"; there are {', '.join(known)}"
            raise InputError(f"{asked}: there is no built-in policy of that name{near}", "see `sosmlx list policies`")
        entry = resources.files("sosmlx.policy.builtin") / f"{name[len(PREFIX) :]}.toml"
        self._read(name, name, entry.read_text(encoding="utf-8"), None)

    def file(self, path: Path, shown: str, asked: str) -> None:
        """Read a file, once; `shown` is how places in it are told, `asked` who wants it."""
        try:
            key = str(path.resolve(strict=True))
            if not path.is_file():
                raise InputError(f"{asked}: not a regular file", "a policy is a TOML file, or builtin:NAME")
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            advice = "an include is relative to the file that names it" if self.above else _advice(shown)
            raise InputError(f"{asked}: cannot be read: {reason}", advice) from None
        if len(data) > MAX_BYTES:
            raise InputError(f"{asked}: larger than {MAX_BYTES >> 20} MiB", "this is no policy")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{asked}: not UTF-8 (at byte {error.start})", "a policy is a TOML file in UTF-8"
            ) from None
        self._read(key, shown, text, path.parent)

    def _read(self, key: str, shown: str, text: str, folder: Path | None) -> None:
        if key in self.above:
            raise InputError(f"{shown}: includes itself, by way of other files", HINT)
        if key in self.seen:
            return
        self.seen.add(key)
        if len(self.above) >= MAX_DEPTH or len(self.seen) > MAX_FILES:
            raise InputError(f"{shown}: includes go over {MAX_DEPTH} levels or {MAX_FILES} files", HINT)
        before, self.above = self.above, (*self.above, key)
        self.text(text, shown, folder)
        self.above = before

    def text(self, text: str, shown: str, folder: Path | None = None) -> None:
        """Read the text of one file, and what it includes."""
        text = text.replace("\r\n", "\n")
        document = _document(text, shown)
        places = Places(shown, text)
        top = Row(document, places.top, self.problems)
        first = len(self.above) <= 1
        top.known(TOP_KEYS)
        selects = [
            select(Row(table, places.row("select", number), self.problems))
            for number, table in enumerate(top.rows("select"))
        ]
        rules = [rule(table, places, number, self.problems) for number, table in enumerate(top.rows("rule"))]
        if first:
            self.title, self.selects, self.provenance = top.text("title"), selects, _provenance(top)
        else:
            rules = [self._narrowed(found, selects) for found in rules]
        self.rules += [(found, places.row("rule", n, found.id[:80]).at("id")) for n, found in enumerate(rules)]
        read = [waiver(table, places, number, self.problems) for number, table in enumerate(top.rows("waiver"))]
        self.waivers += [
            (found, places.row("waiver", number, found.rule[:80]).at("rule"))
            for number, found in enumerate(read)
            if found is not None
        ]
        for name in top.words("include"):
            self._include(name, top, folder)

    def _narrowed(self, found: Rule, selects: Sequence[Select]) -> Rule:
        """Give a rule of an included file the selects of that file."""
        if found.select and selects:
            self.problems.add(found.where, f"rule `{found.id}` and its included file both select; keep one")
        return replace(found, select=tuple(selects) or found.select)

    def _include(self, name: str, top: Row, folder: Path | None) -> None:
        asked = f"{top.place.at('include')}: include {name[:200]!r}"
        if name.startswith(PREFIX):
            self.builtin(name, asked)
            return
        if folder is None or self.folder is None:
            top.wrong("include", "only a file can include others")
            return
        if Path(name).is_absolute() or Path(name).anchor:
            top.wrong("include", f"{name[:200]!r} is absolute; an include is relative to the file that names it")
            return
        target, root = _resolved(folder / name, asked), self.folder.resolve()
        if root not in target.parents:
            top.wrong("include", f"{name[:200]!r} leads out of the folder of the first file")
            return
        self.file(target, str(self.folder / target.relative_to(root)), asked)

    def _agree(self) -> None:
        """Note what rules and waivers say of each other: each id once, and no waiver of a rule that is not there."""
        first: dict[str, Rule] = {}
        for found, place in self.rules:
            before = first.setdefault(found.id, found)
            if before is not found and found.id:
                self.problems.add(place, f"its id is that of the rule at {before.where}")
        for row, place in self.waivers:
            if first and row.rule and row.rule not in first:
                near = "" if self.problems.told else meant(row.rule, first)
                self.problems.add(place, f"there is no rule of that id here{near}")


def _resolved(path: Path, asked: str) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{asked}: cannot be read: {error}", HINT) from None


def _advice(spec: str) -> str:
    near = meant(spec, builtins())
    return f"a policy is a TOML file, or builtin:NAME{near}"


def _document(text: str, shown: str) -> dict[str, object]:
    """Read TOML and its schema. Raises InputError for what is no TOML, and for what is no policy that we know."""
    if _LONG_KEY.search(text):
        raise InputError(f"{shown}: a key of more than {MAX_NESTING} parts", HINT)
    try:
        found: dict[str, object] = tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{shown}: nested too deeply to be a policy", HINT) from None
    except ValueError as error:  # TOMLDecodeError, and the limit of digits in a number
        words, _, line = str(error).partition(" (at line ")
        place = f"{shown}:{line.partition(',')[0]}" if line else shown
        raise InputError(f"{place}: not valid TOML: {words}", HINT) from None
    if any(depth > MAX_NESTING for depth in _depths(found)):
        raise InputError(f"{shown}: nested too deeply to be a policy", HINT)
    schema = found.get("schema")
    family, _, major = schema.partition("/") if isinstance(schema, str) else ("", "", "")
    if family != _FAMILY or not (major.isascii() and major.isdecimal()):
        told = "`schema` is missing" if schema is None else f"schema {str(schema)[:80]!r} is no policy's"
        raise InputError(f"{shown}: {told}", f'a policy begins with schema = "{SCHEMA}"')
    version = found.get("version", "1.0")
    if major != _MAJOR or not isinstance(version, str) or version.partition(".")[0] != _MAJOR:
        told = f"{family}/{major[:20]}" + (f", version {str(version)[:20]!r}" if "version" in found else "")
        older = major.lstrip("0") == "" or not isinstance(version, str)
        why = "no such version was ever written" if older else "it is written for a newer sosmlx"
        raise InputError(f"{shown}: {told}: {why}", f"this sosmlx reads {SCHEMA}")
    return found


def _depths(value: object) -> Iterator[int]:
    """Walk a document and yield how deep each container is."""
    waiting: list[tuple[object, int]] = [(value, 1)]
    while waiting:
        inner, depth = waiting.pop()
        if isinstance(inner, (dict, list)):
            yield depth
            waiting += [(part, depth + 1) for part in (inner.values() if isinstance(inner, dict) else inner)]


def _provenance(top: Row) -> Mapping[str, object]:
    found = top.table.get("provenance", {})
    if not isinstance(found, dict):
        top.wrong("provenance", "`provenance` must be a table: [provenance], with one bracket")
        return {}
    return cast("Mapping[str, object]", found)
