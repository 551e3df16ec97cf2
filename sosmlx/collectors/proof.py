"""The proof that nothing changed: the same few reads before and after a collection, and what differs between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sosmlx.collectors.blame import Change, Run, blamed
from sosmlx.collectors.engine import ask
from sosmlx.collectors.spec import Command, File
from sosmlx.collectors.watched import LOG, READS, TAINT
from sosmlx.record import Answer, Outcome, Record
from sosmlx.sources.base import Source

_MAY_BE_ABSENT = ("dev_mst", "configfs", "rdma_cm")
_LISTS = (
    ("modules", "module"), ("dev_mst", "/dev/mst node"), ("configfs", "configfs folder"),
    ("rdma_cm", "configfs folder in rdma_cm"), ("mounts", "mount"),
)  # fmt: skip

_WATCHED = ("configfs", "debugfs", "tracefs", "securityfs", "efivarfs", "bpf")
"""Kinds of file systems through which a tool could reach a device or the kernel; others come and go on any host."""

PARAMETERS = "devlink.param"


def observe(source: Source) -> dict[str, object]:
    """Read the state that a collection must leave as it was.

    It is the taint word, the loaded modules, the nodes of vendor drivers, what is in configfs, the mounts of file
    systems of the kernel's own, and the lines of the kernel's log about adapters. Never raises: what cannot be read is
    empty and named in `unread`. No `/dev/mst` means no nodes.
    """
    answers = {name: ask(source, read, read.deadline) for name, read in READS.items()}
    for name in _MAY_BE_ABSENT:
        if answers[name].outcome is Outcome.ABSENT:
            answers[name] = Answer()
    missing = {name: answer for name, answer in answers.items() if answer.outcome is not Outcome.COLLECTED}
    text = {name: "" if name in missing else _text(answer) for name, answer in answers.items()}
    return {
        "taint": text["taint"].strip() or None,
        "modules": sorted({line.split()[0] for line in text["modules"].splitlines() if line.split()}),
        "dev_mst": text["dev_mst"].split(),
        "configfs": text["configfs"].split(),
        "rdma_cm": text["rdma_cm"].split(),
        "mounts": sorted(_mounts(text["mounts"])),
        "log": text["log"].splitlines(),
        "unread": [f"{_name(READS[name])}: {missing[name].reason or missing[name].outcome.value}" for name in missing],
    }


def _name(read: File | Command) -> str:
    return read.path if isinstance(read, File) else " ".join(read.argv)


def _mounts(text: str) -> set[str]:
    """Name the watched mounts of `/proc/self/mounts` (proc(5)): device, folder, kind, options."""
    rows = [line.split(" ") for line in text.splitlines()]
    return {f"{row[2]} on {row[1]}" for row in rows if len(row) > 3 and row[2] in _WATCHED}


def parameters(source: Source, records: Iterable[Record]) -> list[str]:
    """Ask for the devlink parameters once more, as a collection did, and list in words what is another value now.

    The collection's own answer is the first look, so that the proof costs one more command and not two.
    """
    changed: list[str] = []
    for record in records:
        if record.kind == PARAMETERS and record.argv and record.outcome is Outcome.COLLECTED:
            again = ask(source, Command(PARAMETERS, record.argv, record.subject), 20.0)
            if again.outcome is Outcome.COLLECTED and again.data != record.data:
                changed += _values(record.data, again.data)
    return changed


def _values(first: bytes, then: bytes) -> list[str]:
    from sosmlx.errors import SosmlxError
    from sosmlx.jsonio import loads

    try:
        old, new = (dict(_leaves(loads(data.decode("utf-8", "replace"), what="devlink"), "")) for data in (first, then))
    except SosmlxError as error:
        return [f"devlink parameters: could not be compared: {error}"]
    words = {name: (old.get(name, "none"), new.get(name, "none")) for name in sorted({*old, *new})}
    return [f"devlink parameter {name}: {was} → {is_now}" for name, (was, is_now) in words.items() if was != is_now]


def _leaves(value: object, name: str) -> Iterable[tuple[str, str]]:
    """Walk a document of devlink's to its values; a row of a list goes by its name or cmode, where it has one."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name} {key}".strip())
    elif isinstance(value, list):
        for index, item in enumerate(value):
            told = (item.get("name") or item.get("cmode")) if isinstance(item, dict) else None
            yield from _leaves(item, f"{name} {told or index}")
    else:
        yield name, str(value)


def delta(
    before: Mapping[str, object], after: Mapping[str, object], run: Run | None = None, changed: Sequence[str] = ()
) -> dict[str, object]:
    """Compare two observations: what came and went in words, by whom, and what the run is known to have done.

    What one of them could not read is no change: `unread` names it. `changed` is what `parameters` found.
    """
    run = run or Run()
    both = {side: {name: value for name, value in seen.items() if name != "log"}
            for side, seen in (("before", before), ("after", after))}  # fmt: skip
    missing = [reason.partition(": ")[0] for reason in unread(both)]
    new = _appeared(before, after) if _name(LOG) not in missing else None
    changes: list[str] = list(changed)
    if TAINT.path not in missing and before["taint"] != after["taint"]:
        changes.append(f"kernel taint: {before['taint']} → {after['taint']}")
    for name, words in _LISTS:
        if _name(READS[name]) not in missing:
            was, is_now = _names(before.get(name)), _names(after.get(name))
            changes += [f"{words} {item} appeared" for item in is_now if item not in was]
            changes += [f"{words} {item} went away" for item in was if item not in is_now]
    told: list[Change] = [blamed(change, new, run) for change in changes]
    return {
        **both, "delta": changes, "changes": [change._asdict() for change in told], "log": new or [],
        "effects": dict(run.effects), "final": not run.abandoned, "abandoned": list(run.abandoned),
    }  # fmt: skip


def _appeared(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """List the lines of the log that were not there before, however often a line comes."""
    left = Counter(_names(before.get("log")))
    found = []
    for line in _names(after.get("log")):
        if left[line]:
            left[line] -= 1
        else:
            found.append(line)
    return found


def sentence(compared: Mapping[str, object]) -> str:
    """Say in one sentence what a comparison found."""
    rows = compared.get("changes")
    told = [f"{row['what']} ({row['why']})" for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if told:
        words = f"while collecting, this changed: {'; '.join(told)}"
    elif unread(compared):
        words = f"nothing changed that could be compared; not compared: {'; '.join(unread(compared))}"
    else:
        words = "taint, modules, /dev/mst, configfs, mounts and devlink parameters are as they were before"
    lines = compared.get("log")
    if isinstance(lines, list) and lines:
        words += f"; {len(lines)} new lines about adapters in the kernel's log"
    if not compared.get("final", True):
        pids = ", ".join(str(pid) for pid in _names(compared.get("abandoned")))
        words += f"; not final: {pids} could not be ended, and may still do something"
    return words


def unread(compared: Mapping[str, object]) -> list[str]:
    """List what was not compared because one of the two observations could not read it."""
    sides = (compared.get("before"), compared.get("after"))
    reasons = [reason for side in sides if isinstance(side, Mapping) for reason in _names(side.get("unread"))]
    return list(dict.fromkeys(reasons))


def _names(value: object) -> Sequence[str]:
    return value if isinstance(value, list) else []


def _text(answer: Answer) -> str:
    return answer.data.decode("utf-8", "replace")
