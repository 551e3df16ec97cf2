"""What the kernel says of itself in a line or two: taint, lockdown, Secure Boot, command line, release, boot.

Sources: `Documentation/admin-guide/tainted-kernels.rst`, `security/lockdown/lockdown.c`, proc(5), os-release(5), and
`mokutil.c` for what it says of Secure Boot. Modules and the log have modules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sosmlx.model import HOST, Facet, Fact, Item, Record, Setting, SettingClass, Unparsed
from sosmlx.parsers import shell, values, vendor
from sosmlx.parsers.spec import Parser, heading, unparsed

_LEVELS = re.compile(r"\s*(?:(?:none|integrity|confidentiality|\[(\w+)\])(?:\s+|\Z)){2,3}\Z")
_WORD = re.compile(r"(?:kernel\.tainted ?= ?)?(\d{1,20})\Z")
_PARAMETERS = (
    r"root|rootfstype|rootflags|initrd|ostree|console|earlycon|panic_on_taint|lockdown|iommu|intel_iommu|amd_iommu|pci"
    r"|crashkernel|isolcpus|nohz_full|(?:default_)?hugepages(?:z)?|mitigations|modprobe\.blacklist|module\.\w+|selinux"
    r"|net\.ifnames|biosdevname|mlx5_core\.\w+|rd\.[\w.]+|systemd\.[\w.]+"
)
"""Parameters that a command line may begin with (kernel-parameters.txt, dracut.cmdline(7))."""

_WRAPPED = 60
"""A line that a mailer broke has at least this length."""


class _Said(NamedTuple):
    """What a line of mokutil says: which knob, its value, or the reason why there is none."""

    name: str
    value: bool | None
    reason: str = ""


_SECURE_BOOT: dict[str, _Said] = {
    r"SecureBoot enabled": _Said("secure-boot", True),
    r"SecureBoot disabled": _Said("secure-boot", False),
    r"SecureBoot validation is disabled in shim": _Said("secure-boot.shim-validation", False),
    r"SecureBoot validation is enabled in shim": _Said("secure-boot.shim-validation", True),
    r"Platform is in Setup Mode": _Said("secure-boot.setup-mode", True),
    r"EFI variables are not supported": _Said("secure-boot", None, values.UNSUPPORTED),
    r"This system doesn't support Secure Boot": _Said("secure-boot", None, values.UNSUPPORTED),
    r"Cannot determine secure boot state": _Said("secure-boot", None, "not determined"),
    r"Failed to read .?SecureBoot": _Said("secure-boot", None, "not determined"),
}
_SAYS = {re.compile(rf"\s*{pattern}"): said for pattern, said in _SECURE_BOOT.items()}


def taint(text: str, record: Record) -> Iterator[Item]:
    """`/proc/sys/kernel/tainted`: the decimal word, kept as a number; what its bits mean depends on the vendor."""
    for number, row in _rows(text):
        word = _WORD.match(row.strip())
        if word:
            yield _setting("taint", values.number(word[1])._replace(raw=row.strip()), "evidence")
        else:
            yield _other(number, row)


def lockdown(text: str, record: Record) -> Iterator[Item]:
    """`/sys/kernel/security/lockdown`: the level in brackets is the one in force."""
    for number, row in _rows(text):
        level = _LEVELS.match(row)
        if level and level[1]:
            yield _setting("lockdown", Facet(level[1], row.strip(), level[1]), "evidence")
        else:
            yield _other(number, row)


def cmdline(text: str, record: Record) -> Iterator[Item]:
    """`/proc/cmdline`, and `panic_on_taint` where it is set (a mask, then perhaps `,nousertaint`)."""
    parts: list[str] = []
    last = 0
    for number, row in _rows(text):
        wrapped = parts and number == last + 1 and len(parts[-1]) >= _WRAPPED
        if shell.is_command(row) or (parts and not wrapped):
            yield _other(number, row)
        else:
            parts.append(row.strip())
            last = number
    if parts:
        yield _setting("cmdline", values.text(" ".join(parts)), "config")
    for word in " ".join(parts).split():
        name, _, value = word.partition("=")
        if name == "panic_on_taint":
            yield _setting(name, values.text(value), "config")


def secure_boot(text: str, record: Record) -> Iterator[Item]:
    """`mokutil --sb-state`: a system without EFI variables has no Secure Boot; that is not one where it is disabled."""
    for number, row in _rows(text):
        said = next((said for pattern, said in _SAYS.items() if pattern.match(row)), None)
        if said:
            yield _setting(said.name, Facet(said.value, row.strip(), reason=said.reason), "evidence")
        else:
            yield _other(number, row)


def line(text: str, record: Record) -> Iterator[Item]:
    """Read a file of one line: kernel release, boot id, host name, architecture."""
    name = {"osrelease": "release", "boot_id": "boot-id"}.get(record.name, record.name)
    cls: SettingClass = "volatile" if name == "boot-id" else "identity"
    rows = list(_rows(text))
    if rows:
        first = rows[0][1].strip()
        yield _setting(name, values.text(first), cls)
        yield Fact(HOST, name, first)
    yield from (Unparsed(*row) for row in rows[1:])


def os_release(text: str, record: Record) -> Iterator[Item]:
    """`/etc/os-release`: vendor and release, which decide what the upper taint bits mean (os-release(5))."""
    for number, row in enumerate(text.split("\n"), 1):
        name, equals, value = row.partition("=")
        if equals and re.match(r"[A-Z][A-Z0-9_]*\Z", name):
            bare = value.strip().strip("\"'")
            yield Setting(HOST, "kernel", f"os-release.{name}", "", (("current", Facet(bare, value)),), "identity")
            yield Fact(HOST, f"os.{name}", bare)
        elif row.strip() and not row.startswith("#"):
            yield Unparsed(number, row)


def tool_version(text: str, record: Record) -> Iterator[Item]:
    """`TOOL --version`: the first line, as the tool prints it."""
    first = text.strip().split("\n")[0]
    tool = record.argv[0] if record.argv else "tool"
    yield Setting(HOST, "kernel", f"tool.{tool}", "", (("current", values.text(first)),), "volatile")
    yield Fact(HOST, f"tool.{tool}", first)
    yield from unparsed("\n".join(text.strip().split("\n")[1:]), 2)


def tool_error(text: str, record: Record) -> Iterator[Item]:
    """Read what a tool, or the shell in its place, said instead of an answer."""
    for number, row in enumerate(text.split("\n"), 1):
        if not row.strip():
            continue
        yield vendor.remark(number, row, record.subject)
        missing = vendor.missing(row)
        if missing:
            yield Fact(HOST, f"tool.{missing}", "not found")


def _rows(text: str) -> Iterator[tuple[int, str]]:
    return ((number, row) for number, row in enumerate(text.split("\n"), 1) if row.strip())


def _setting(name: str, facet: Facet, cls: SettingClass) -> Setting:
    return Setting(HOST, "kernel", name, "", (("current", facet),), cls)


def _other(number: int, row: str) -> Item:
    return heading(HOST, row) if shell.is_command(row) else Unparsed(number, row)


TABLE = (
    Parser(
        "kernel.lockdown",
        lockdown,
        ("kernel",),
        re.compile(
            r"^[ \t]*(?:\[none\] integrity confidentiality|none \[integrity\] confidentiality"
            r"|none integrity \[confidentiality\])[ \t]*$",
            re.MULTILINE,
        ),
        identity=True,
    ),
    Parser(
        "kernel.cmdline",
        cmdline,
        ("kernel",),
        re.compile(
            r"\A(?:[^\n]{0,200}[#$] [^\n]{0,200}\n)?\s*(?=\S)(?:BOOT_IMAGE=\S"
            rf"|(?:{_PARAMETERS})=\S*(?:[ \t]|\s*\Z)|(?:ro|rw|quiet|splash)[ \t]+[\w.-]+=\S"
            r"|[^\n:\[\"]{0,4000}\broot=(?:/dev/|(?:PART)?(?:UUID|LABEL)=|ZFS=|live:)\S)"
        ),
        identity=True,
    ),
    Parser("kernel.taint", taint, ("kernel",), identity=True),
    Parser(
        "kernel.mokutil",
        secure_boot,
        ("kernel",),
        re.compile(rf"^[ \t]*(?:{'|'.join(_SECURE_BOOT)})", re.MULTILINE),
        identity=True,
    ),
    Parser("kernel.line", line, ("kernel",), identity=True),
    Parser(
        "kernel.os-release",
        os_release,
        ("kernel",),
        re.compile(r"^(?:NAME|PRETTY_NAME)=\S", re.MULTILINE),
        identity=True,
    ),
    Parser("tool.version", tool_version, (), identity=True),
    Parser(
        "tool.error",
        tool_error,
        (),
        vendor.ERROR,
        identity=True,
    ),
)
