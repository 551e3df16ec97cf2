"""The kernel's taint word in words: by number, and for the upper bits by distribution and release, never by letter.

The same bit, and the same letter, mean different things in different kernels, so a meaning is looked up by who built
the kernel. Where that was not read, what it could mean is said. Each table names its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

FWCTL = 19
WIDTH = 64
"""The word is an unsigned long."""


class Bit(NamedTuple):
    """One bit of the taint word."""

    number: int
    letter: str
    text: str


class Table(NamedTuple):
    """What bits mean in the kernels of some distributions, where that is not what they mean in mainline.

    `ids` are the os-release IDs; `first` is the first release (VERSION_ID) and `before` the first one that is not meant
    any more, `()` where there is no limit. `kernel` is a pattern that the kernel's release must hold, `not_kernel` one
    that it must not hold. `note` is what a reader of that distribution's words should know.
    """

    name: str
    ids: tuple[str, ...]
    source: str
    bits: tuple[Bit, ...] = ()
    first: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    kernel: str = ""
    not_kernel: str = ""
    note: str = ""


MAINLINE: tuple[Bit, ...] = (
    Bit(0, "P", "a proprietary module was loaded"),
    Bit(1, "F", "a module was force loaded"),
    Bit(2, "S", "the system is out of specification"),
    Bit(3, "R", "a module was force unloaded"),
    Bit(4, "M", "a machine check exception was reported"),
    Bit(5, "B", "a bad page was referenced"),
    Bit(6, "U", "user space asked for the taint"),
    Bit(7, "D", "the kernel died recently (OOPS or BUG)"),
    Bit(8, "A", "an ACPI table was overridden"),
    Bit(9, "W", "the kernel issued a warning"),
    Bit(10, "C", "a staging driver was loaded"),
    Bit(11, "I", "a workaround for a platform firmware bug was applied"),
    Bit(12, "O", "an out-of-tree module was loaded"),
    Bit(13, "E", "an unsigned module was loaded"),
    Bit(14, "L", "a soft lockup occurred"),
    Bit(15, "K", "the kernel was live patched"),
    Bit(16, "X", "auxiliary taint, defined by the distribution"),
    Bit(17, "T", "the kernel was built with structure randomisation"),
    Bit(18, "N", "an in-kernel test was run"),
    Bit(19, "J", "user space used a mutating debug operation in fwctl"),
)
MAINLINE_SOURCE = "Linux Documentation/admin-guide/tainted-kernels.rst, kernel/panic.c (taint_flags)"

PER_MODULE = "PFCOEKXTNJ"
"""Letters that the kernel keeps for each module (`taint_flags` in kernel/panic.c, `module` true); R is none of them."""

_SUSE = ("sles", "sles_sap", "sled", "sle_hpc")
_SUSE_MICRO = ("sle-micro", "sl-micro", "suse-microos")
_RED_HAT = ("rhel", "centos", "rocky", "almalinux", "ol")
_UEK = r"uek"

_SUSE_NOW = (
    Bit(16, "X", "an externally supported module was loaded"),
    Bit(18, "H", "hardware without support"),
    Bit(31, "N", "a module without support was loaded"),
)
_SUSE_PATCH = "supportutils' taint table; kernel-source patch `SUSE/external support flag in modules`"

TABLES: tuple[Table, ...] = (
    Table(
        "SUSE Linux Enterprise up to 15 SP1", _SUSE,
        "supportutils' taint table; SUSE's packages that test `tainted & (1<<30)` (TAINT_NO_SUPPORT)",
        (
            Bit(16, "H", "hardware without support"),
            Bit(30, "N", "a module without support was loaded"),
            Bit(31, "X", "an externally supported module was loaded"),
        ),
        before=(15, 2),
    ),
    Table(
        "SUSE Linux Enterprise from 15 SP2 on", _SUSE, _SUSE_PATCH, _SUSE_NOW, first=(15, 2),
    ),
    Table("SUSE Linux Micro", _SUSE_MICRO, _SUSE_PATCH, _SUSE_NOW),
    Table(
        "Red Hat Enterprise Linux 6 and 7", _RED_HAT,
        "include/linux/kernel.h and kernel/rh_taint.c of the distribution's kernel",
        (
            Bit(27, "Z", "bit by a zombie (a joke of the kernel's makers)"),
            Bit(28, "H", "hardware without support"),
            Bit(29, "T", "a technology preview is in use"),
        ),
        before=(8,), not_kernel=_UEK,
    ),
    Table(
        "Red Hat Enterprise Linux from 8 on", _RED_HAT,
        "include/linux/panic.h and kernel/rh_taint.c (later rh_messages.c) of the distribution's kernel",
        (
            Bit(26, "p", "a module that a partner supports was loaded"),
            Bit(27, "r", "hardware or a module whose support was removed"),
            Bit(29, "t", "a technology preview is in use"),
            Bit(30, "u", "unprivileged BPF is enabled"),
        ),
        first=(8,), not_kernel=_UEK,
    ),
    Table(
        "Oracle Linux with the Unbreakable Enterprise Kernel", ("ol",),
        "github.com/oracle/linux-uek: built from mainline, no bits of its own are known",
        kernel=_UEK,
        note="the Red Hat compatible kernel of Oracle Linux has Red Hat's bits; this one follows mainline",
    ),
    Table(
        "Ubuntu", ("ubuntu",),
        "Ubuntu's kernels follow mainline; no bits of their own are known",
        note="K (Livepatch, a service of the distribution), P and O (drivers that it ships, such as NVIDIA's) are "
        "often set there without a fault",
    ),
)  # fmt: skip
"""The distributions' own words."""

UNKNOWN = "no meaning known for this kernel"


def decode(word: int, vendor: str = "", release: str = "", kernel: str = "") -> list[Bit]:
    """List the bits that are set, in the words of the kernel that set them.

    `vendor` and `release` are ID and VERSION_ID of os-release, `kernel` is the kernel's release. Where the release was
    not read and the distribution's tables differ, every meaning is said.

    >>> [bit.number for bit in decode(528384)]
    [12, 19]
    >>> decode(1 << 31, "sles", "15.5")[0].text, decode(1 << 31, "sles", "12.5")[0].text
    ('a module without support was loaded', 'an externally supported module was loaded')
    """
    tables = list(fitting(vendor, release, kernel))
    return [_meaning(number, tables) for number in range(min(word.bit_length(), WIDTH)) if word >> number & 1]


def fitting(vendor: str, release: str = "", kernel: str = "") -> Iterator[Table]:
    """Yield the tables of a distribution that this release may be of; without a release, all of them."""
    version = _version(release)
    for table in TABLES:
        if (
            vendor in table.ids
            and not (version and table.first and version < table.first)
            and not (version and table.before and version >= table.before)
            and (not kernel or _of_kernel(table, kernel))
        ):
            yield table


def meanings(number: int) -> list[tuple[str, Bit, str]]:
    """List what a bit means where: whose word it is, the bit, and where that is written."""
    found = [("mainline", bit, MAINLINE_SOURCE) for bit in MAINLINE if bit.number == number]
    return found + [(table.name, bit, table.source) for table in TABLES for bit in table.bits if bit.number == number]


def numbers(letter: str) -> list[int]:
    """List the bits that have this letter in some kernel: `N` is three of them.

    >>> numbers("N"), numbers("J")
    ([18, 30, 31], [19])
    """
    every = (*MAINLINE, *(bit for table in TABLES for bit in table.bits))
    return sorted({bit.number for bit in every if bit.letter == letter})


def _of_kernel(table: Table, kernel: str) -> bool:
    if table.kernel and not re.search(table.kernel, kernel):
        return False
    return not (table.not_kernel and re.search(table.not_kernel, kernel))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,9}", text)[:3])


def _meaning(number: int, tables: list[Table]) -> Bit:
    """Say what one bit means: in mainline, unless the distribution's tables say otherwise, which may disagree."""
    usual = next((bit for bit in MAINLINE if bit.number == number), Bit(number, "?", UNKNOWN))
    if not tables:
        return usual
    own = [next((bit for bit in table.bits if bit.number == number), usual) for table in tables]
    if usual.text == UNKNOWN and any(bit.text != UNKNOWN for bit in own):
        own = [bit for bit in own if bit.text != UNKNOWN]
    letters = list(dict.fromkeys(bit.letter for bit in own))
    return Bit(number, "/".join(letters), ", or ".join(dict.fromkeys(bit.text for bit in own)))
