"""What the kernel tells about access outside the envelope: its taint word, those of its modules, its log, its boots.

Sources: `drivers/fwctl/main.c` (`fwctl_cmd_rpc`: taint and one line per boot for the first use),
`kernel/panic.c` (`taint_flags`: which letters are kept per module), and random(4) for `boot_id`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sosmlx.model import Coverage, Setting, Snapshot, known
from sosmlx.policy import taint
from sosmlx.policy.device import Taint, names
from sosmlx.policy.origin import is_ours
from sosmlx.record import HOST

BIT = f"fwctl taint (bit {taint.FWCTL})"
OTHER_NAMED = f"{BIT}, another device named"

FWCTL_RULE, FORCED_RULE = "taint-fwctl", "module-forced"
"""The rules of `builtin:envelope` that say the same; who waives them accepts the taint."""

_LINE = re.compile(r"fwctl (fwctl\d+): (.*?)(?:\(\d+\))?: has requested full access")
_VENDOR_TOOL = re.compile(r"mst|mlx|flint|mft")
"""How the vendor's tools are called. mstflint 4.32.0-1 to 4.35.0-1.4 asks for the full scope with each query."""

_LONGEST = 60
"""So much of a process name is said: the kernel's own are shorter, and the log is what a bundle holds."""

_FORCED = frozenset("FR")


def kernel_taint(snapshot: Snapshot) -> Taint:
    """Judge the host: taint word, per-module words and the kernel log are all needed to say no."""
    word = snapshot.host.get("taint")
    uses = _logged(snapshot)
    named = Taint("no", "")
    if isinstance(word, int) and word >> taint.FWCTL & 1:
        named = _attributed(snapshot, uses)
    forced = _forced(snapshot)
    unread = _unread(snapshot)
    found = [source for source in (named, forced) if source.state == "yes"]
    if found:
        whole = any(not source.devices for source in found)
        devices = () if whole else found[0].devices
        rules = tuple(rule for source in found for rule in source.rules)
        return Taint("yes", "; ".join(source.words for source in found), devices, rules, bool(unread))
    if isinstance(word, int) and not word >> taint.FWCTL & 1 and uses:
        unread.append("the kernel log tells of a use of fwctl that taints, and the taint word does not")
    return Taint("unread", "; ".join(unread)) if unread else named


def host_taint(snapshot: Snapshot, before: Snapshot | None = None) -> Taint:
    """Judge the host by what its kernel tells now and told before: a clean word undoes nothing."""
    now = kernel_taint(snapshot)
    if before is None or now.state != "no":
        return now
    ended = _ended(before, snapshot)
    return ended if ended.state != "no" else now


def _ended(before: Snapshot, snapshot: Snapshot) -> Taint:
    """Judge a clean word after a tainted one: a reboot clears the word, not what was written before it.

    That it was a cold reset, with which run-time state ends, nothing that is read here proves.
    """
    if not same_host(before, snapshot) or kernel_taint(before).state != "yes":
        return Taint("no", "")
    boot = _reboot(before, snapshot)
    if boot is None:
        return Taint("unread", "tainted before, and whether a reboot lies between was not read")
    if boot:
        return Taint("unread", "tainted before a reboot, which clears the word and not what was written")
    words = "the taint went away within one boot: one of the two is not what it says, or the baseline is the later one"
    return Taint("unread", words)


def limits(snapshot: Snapshot, before: Snapshot | None) -> list[str]:
    """Say what a clean word cannot tell here: what an earlier boot did, or a second use of fwctl."""
    found = []
    if before is not None and same_host(before, snapshot):
        boot = _reboot(before, snapshot)
        if boot:
            found.append("a reboot lies between, and the taint word covers only what came after it")
        elif boot is None:
            found.append("whether a reboot lies between was not read")
    if kernel_taint(snapshot).words.startswith(OTHER_NAMED):
        found.append("only the first use of fwctl is logged")
    return found


def same_host(before: Snapshot, snapshot: Snapshot) -> bool:
    """Whether two snapshots are of one host, as far as its name tells."""
    host = snapshot.source.host
    return before.is_host and bool(host) and before.source.host == host


def missing(row: Coverage) -> bool:
    """Whether a plane was not read completely."""
    return row.status in ("unknown", "partial")


def _reboot(before: Snapshot, snapshot: Snapshot) -> bool | None:
    """Tell by the boot ids whether a reboot lies between; None where one of them was not read."""
    boots = (before.host.get("boot-id"), snapshot.host.get("boot-id"))
    return None if None in boots else boots[0] != boots[1]


def _unread(snapshot: Snapshot) -> list[str]:
    unread = [
        f"{row.plane} evidence was not read completely ({row.reason or row.status})"
        for row in snapshot.coverage
        if row.device == HOST and row.plane in ("kernel", "module") and missing(row)
    ]
    if not isinstance(snapshot.host.get("taint"), int):
        unread.insert(0, "the kernel's taint word was not read")
    return unread


def _forced(snapshot: Snapshot) -> Taint:
    """Find the adapters' modules that were forced, by their own words: the kernel's word does not say which it was."""
    forced = [
        module
        for setting in snapshot.settings
        for module, _, name in [setting.name.partition(".")]
        if setting.plane == "module" and name == "taint" and is_ours(module) and _letters(setting) & _FORCED
    ]
    if not forced:
        return Taint("no", "")
    return Taint("yes", f"module {names(sorted(forced))} was forced", (), (FORCED_RULE,))


def _letters(setting: Setting) -> set[str]:
    facet = setting.facet("current")
    return set(str(facet.value)) if facet is not None and known(facet) else set()


def _logged(snapshot: Snapshot) -> list[re.Match[str]]:
    """List the kernel's own lines that name who asked for full access; what a program wrote into the log is none."""
    rows = (_LINE.search(row.text) for row in snapshot.evidence if row.kind == "log.fwctl-taint")
    return [match for match in rows if match is not None]


def _attributed(snapshot: Snapshot, uses: Sequence[re.Match[str]]) -> Taint:
    """Name whom the log names; a process name is only as claimed, and only the first use of a boot is logged.

    A line that names another fwctl device of this host says that ours was not the one; a line that names a device that
    nobody can see any more attributes nothing.
    """
    nodes = {device.fwctl: device.id for device in snapshot.devices if device.fwctl}
    others = {row.text for row in snapshot.evidence if row.kind == "fwctl.node"} - set(nodes)
    rules = (FWCTL_RULE,)
    ours = {nodes[use[1]]: _claimed(use[2]) for use in reversed(uses) if use[1] in nodes}
    if ours:
        words = ", ".join(f"{device} by {who}" for device, who in sorted(ours.items()))
        return Taint("yes", f"{BIT}, attributed to {words}", tuple(sorted(ours)), rules)
    unseen = sorted({use[1] for use in uses} - others)
    if unseen:
        return Taint("yes", f"{BIT}, unattributed: {unseen[0]} is no device that can be seen here", (), rules)
    if uses:
        return Taint("no", f"{OTHER_NAMED}: {names(sorted({use[1] for use in uses}))}")
    return Taint("yes", f"{BIT}, unattributed: no log line names a device", (), rules)


def _claimed(who: str) -> str:
    hint = "; some versions of it do so for a mere query" if _VENDOR_TOOL.match(who) else ""
    return f"{who[:_LONGEST]} (as claimed{hint})"
