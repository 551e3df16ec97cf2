"""Packages as dpkg-query(1) and rpm(8) print them: what is installed, and which package owns a file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import HOST, Item, Setting, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record

_DPKG = re.compile(r"(?P<name>[a-z0-9][a-z0-9.+-]*(?::[a-z0-9-]+)?)\t(?P<version>\S*)\Z")
_RPM = re.compile(r"(?P<name>[A-Za-z0-9_][\w.+-]*?)-(?P<version>[^\s-]+-[^\s-]+?)(?:\.(?P<arch>\w+))?\Z")
_OWNER = re.compile(r"(?P<package>[a-z0-9][a-z0-9.+-]*(?::[a-z0-9-]+)?(?:, [a-z0-9.+:-]+)*): (?P<path>/\S+)\Z")


def installed(text: str, record: Record) -> Iterator[Item]:
    r"""`dpkg-query -W` (name, tab, version) or `rpm -qa` (name-version-release.arch), a package a line."""
    for number, line in enumerate(text.split("\n"), 1):
        row = _DPKG.match(line) or _RPM.match(line)
        if row is not None:
            facet = values.text(row["version"])
            yield Setting(HOST, "kernel", f"package.{row['name']}", "", (("current", facet),), "capability")
            yield heading(HOST, line)
        elif line.strip():
            yield Unparsed(number, line)


def owners(text: str, asked: str) -> Iterator[tuple[str, str]]:
    """Yield (path, package): `dpkg-query -S` names the path, `rpm -qf` only the package of the one that was asked."""
    for line in text.split("\n"):
        row = _OWNER.match(line)
        if row is not None:
            if f"/{row['path']}".endswith(f"/{asked}"):  # `sbin/ip` also finds `/sbin/iptunnel`
                yield row["path"], row["package"]
        elif _RPM.match(line):
            yield asked, line


def owner(text: str, record: Record) -> Iterator[Item]:
    """Which package owns a tool's file."""
    asked = record.argv[-1] if record.argv else ""
    told = list(owners(text, asked))
    for path, package in told:
        yield Setting(HOST, "kernel", f"owner@{path}", "", (("current", values.text(package)),), "capability")
    for number, line in enumerate(text.split("\n"), 1):
        if _OWNER.match(line) or _RPM.match(line):
            yield heading(HOST, line)
        elif line.strip():
            yield Unparsed(number, line)


TABLE = (Parser("kernel.packages", installed, ("kernel",)), Parser("tool.package", owner, ("kernel",)))
