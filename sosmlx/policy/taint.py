"""The kernel's taint word in words: by number, and for the upper bits by vendor and release, never by letter alone.

Source: `Documentation/admin-guide/tainted-kernels.rst` and `include/linux/panic.h` (mainline 0 to 19); the
distributions' own words as named in each row.
"""

from __future__ import annotations

from typing import NamedTuple

FWCTL = 19


class Bit(NamedTuple):
    """One bit of the taint word."""

    number: int
    letter: str
    text: str


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

# os-release ID → bits that mean something else there than in mainline. SUSE: supportconfig's taint table and
# kernel-source `suse-hv`/`TAINT_NO_SUPPORT`; RHEL: redhat/ taint flags of the distribution kernel.
VENDOR: dict[str, dict[int, Bit]] = {
    "sles": {
        16: Bit(16, "X", "an externally supported module was loaded"),
        18: Bit(18, "H", "hardware without support"),
        31: Bit(31, "N", "a module without support was loaded"),
    },
    "rhel": {
        27: Bit(27, "r", "hardware whose support was removed"),
        29: Bit(29, "t", "a technology preview is in use"),
        30: Bit(30, "u", "unprivileged BPF is enabled"),
    },
}


def decode(word: int, vendor: str = "") -> list[Bit]:
    """List the bits that are set, in the words of the mainline kernel or of that vendor (`ID` of os-release).

    >>> [bit.number for bit in decode(528384)]
    [12, 19]
    """
    table = {bit.number: bit for bit in MAINLINE}
    table.update(VENDOR.get(vendor, {}))
    unknown = "no meaning known for this kernel"
    return [table.get(number, Bit(number, "?", unknown)) for number in range(word.bit_length()) if word >> number & 1]
