"""What the kernel says of itself: taint, lockdown, command line, release, boot, modules, and its log.

Sources: `Documentation/admin-guide/tainted-kernels.rst`, `security/lockdown/lockdown.c`, proc(5), and for the log
lines the files of `drivers/net/ethernet/mellanox/mlx5/core` and `drivers/fwctl/main.c`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import HOST, Evidence, Facet, Fact, Item, Record, Setting, SettingClass, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.spec import BDF, Parser, unparsed

OURS = re.compile(
    r"(?:mlx[45]\w*|fwctl|ib_core|ib_uverbs|mst_pci\w*|mstflint_access|mlx_compat|mlxdevm|auxiliary|vfio\w*|devlink)\Z"
)
"""Modules whose presence says something about these adapters; all others are kept, and not shown by default."""

_BRACKETED = re.compile(r"\[(\w+)\]")

_LOG: tuple[tuple[str, str, str], ...] = (
    # drivers/fwctl/main.c, fwctl_cmd_rpc(); the vendor's backport prints "device device"
    (r"fwctl \S+: .*has requested full access to the physical device", "log.fwctl-taint", "high"),
    (r"loading out-of-tree module taints kernel|module verification failed", "log.module-taint", "medium"),
    (r"Lockdown: ", "log.lockdown", "info"),
    # mlx5 core/health.c, core/cmd.c
    (r"device's health compromised|Will cause a leak of a command resource", "log.firmware-stuck", "high"),
    (r"Fatal error \d+ detected|print_health_info|assert_var\[", "log.health", "high"),
    # mlx5 core/events.c
    (r"insufficient power|[Hh]igh temperature|Power budget exceeded", "log.module-event", "medium"),
    (r"probe of \S+ failed|mlx5_load_one failed|init_one", "log.probe-failed", "high"),
    (r"not enough MMIO resources", "log.sriov-mmio", "high"),
    (r"firmware version: ", "log.firmware", "info"),
)
_LOG_KINDS = tuple((re.compile(pattern), kind, severity) for pattern, kind, severity in _LOG)


def taint(text: str, record: Record) -> Iterator[Item]:
    """`/proc/sys/kernel/tainted`: the decimal word, kept as a number; what its bits mean depends on the vendor."""
    yield from _single(text, "taint", values.number(text.strip()), "evidence")


def lockdown(text: str, record: Record) -> Iterator[Item]:
    """`/sys/kernel/security/lockdown`: the level in brackets is the one in force."""
    level = _BRACKETED.search(text)
    if level is None:
        yield from unparsed(text)
        return
    yield Setting(HOST, "kernel", "lockdown", "", (("current", Facet(level[1], text.strip(), level[1])),), "evidence")


def cmdline(text: str, record: Record) -> Iterator[Item]:
    """`/proc/cmdline`, and `panic_on_taint` where it is set (a mask, then perhaps `,nousertaint`)."""
    yield from _single(text, "cmdline", values.text(text.strip()), "config")
    for word in text.split():
        name, _, value = word.partition("=")
        if name == "panic_on_taint":
            yield Setting(HOST, "kernel", name, "", (("current", values.text(value)),), "config")


def line(text: str, record: Record) -> Iterator[Item]:
    """Read a file of one line: kernel release, boot id, host name, architecture."""
    name = {"osrelease": "release", "boot_id": "boot-id"}.get(record.name, record.name)
    cls: SettingClass = "volatile" if name == "boot-id" else "identity"
    yield from _single(text, name, values.text(text.strip()), cls)
    if text.strip():
        yield Fact(HOST, name, text.strip())


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


def modules(text: str, record: Record) -> Iterator[Item]:
    """`/proc/modules` or `lsmod`: the state of each module; taint letters of a module are in brackets at the end."""
    for number, row in enumerate(text.split("\n"), 1):
        words = row.split()
        if len(words) < 3 or not words[1].isdigit():
            if words and words[0] != "Module":
                yield Unparsed(number, row)
            continue
        state = words[4] if len(words) > 4 and not words[4].startswith("0x") else "Live"
        cls: SettingClass = "config" if OURS.match(words[0]) else "volatile"
        shown = state if state in words else words[0]
        facet = Facet(shown, row, shown)
        yield Setting(HOST, "module", words[0], "", (("current", facet),), cls)
        if OURS.match(words[0]):
            yield Fact(HOST, "module", words[0])


def module_attribute(text: str, record: Record) -> Iterator[Item]:
    """`/sys/module/NAME/{version,srcversion,taint,initstate}`: one value per file; an empty taint is no taint."""
    module = record.path.split("/")[-2]
    value = text.strip()
    cls: SettingClass = "evidence" if record.name == "taint" else "config"
    yield Setting(HOST, "module", f"{module}.{record.name}", "", (("current", values.text(value)),), cls)
    if record.name == "taint" and value:
        yield Evidence("module.taint", HOST, f"{module}: {value}", "info")


def log(text: str, record: Record) -> Iterator[Item]:
    """Kernel log lines in any timestamp style: each is evidence, tagged by what it says and whom it names."""
    for row in text.split("\n"):
        if not row.strip():
            continue
        kind, severity = next(((k, s) for pattern, k, s in _LOG_KINDS if pattern.search(row)), ("log.line", "info"))
        address = BDF.search(row)
        yield Evidence(kind, address[0].lower() if address else HOST, row.rstrip(), severity)


def tool_version(text: str, record: Record) -> Iterator[Item]:
    """`TOOL --version`: the first line, as the tool prints it."""
    first = text.strip().split("\n")[0]
    tool = record.argv[0] if record.argv else "tool"
    yield Setting(HOST, "kernel", f"tool.{tool}", "", (("current", values.text(first)),), "volatile")
    yield Fact(HOST, f"tool.{tool}", first)
    yield from unparsed("\n".join(text.strip().split("\n")[1:]), 2)


def tool_error(text: str, record: Record) -> Iterator[Item]:
    """Read an error message of a known tool: what it says is evidence, and that it says nothing else, too."""
    for row in text.split("\n"):
        if row.strip():
            yield Evidence("tool.message", record.subject, row.strip(), "medium")


def _single(text: str, name: str, facet: Facet, cls: SettingClass) -> Iterator[Item]:
    rows = [row for row in text.split("\n") if row.strip()]
    if rows:
        yield Setting(HOST, "kernel", name, "", (("current", facet._replace(raw=rows[0].strip())),), cls)
    yield from unparsed("\n".join(rows[1:]), 2)


TABLE = (
    Parser(
        "kernel.lockdown",
        lockdown,
        ("kernel",),
        re.compile(r"\A\s*\[?none\]? \[?integrity\]? \[?confidentiality\]?\s*\Z"),
        identity=True,
    ),
    Parser(
        "kernel.cmdline",
        cmdline,
        ("kernel",),
        re.compile(r"\A\s*BOOT_IMAGE=\S+ |\A.*\broot=\S+ .*\bro\b"),
        identity=True,
    ),
    Parser("kernel.taint", taint, ("kernel",), identity=True),
    Parser("kernel.line", line, ("kernel",), identity=True),
    Parser(
        "kernel.os-release",
        os_release,
        ("kernel",),
        re.compile(r"^(?:NAME|PRETTY_NAME)=\S", re.MULTILINE),
        identity=True,
    ),
    Parser(
        "kernel.modules",
        modules,
        ("module",),
        re.compile(r"\A\s*(?:Module +Size +Used by|\w+ \d+ \d+ \S+ (?:Live|Loading|Unloading) 0x)"),
        identity=True,
    ),
    Parser("module.attribute", module_attribute, ("module",), identity=True),
    Parser(
        "kernel.log",
        log,
        ("kernel",),
        re.compile(
            r"^(?:<\d+>)?(?:\[ *\d+\.\d+\]|\S+ \S+ kernel:|\S+T\S+ )?.*\b(?:mlx[45]_\w+[ :]|fwctl \S+:)", re.MULTILINE
        ),
        identity=True,
    ),
    Parser("tool.version", tool_version, (), identity=True),
    Parser(
        "tool.error",
        tool_error,
        (),
        re.compile(r"^-E- |command not found|^Command '[^']+' not found", re.MULTILINE),
        identity=True,
    ),
)
