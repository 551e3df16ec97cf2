"""Many small files as one read: which files a pattern names, and what is told of those that give nothing."""

from __future__ import annotations

from pathlib import Path

from sosmlx.record import Answer, Outcome
from sosmlx.sources.base import How
from sosmlx.sources.live import LiveSource
from sosmlx.sources.sweep import MOST, sweep
from sosmlx.sources.tree import TreeSource

FILES = {"/x/q0/a": b"1\n", "/x/q10/a": b"10\n", "/x/q2/a": b"2\n", "/x/q2/b": b"two\nlines\n", "/x/c": b"\n"}
DENIED = Answer(outcome=Outcome.DENIED, reason="EPERM: Operation not permitted")
INVALID = Answer(outcome=Outcome.UNSUPPORTED, reason="EINVAL: Invalid argument")
ABSENT = Answer(outcome=Outcome.ABSENT, reason="ENOENT: No such file or directory")


def reader(path: str, how: How, **failing: Answer) -> Answer:
    if how == "names":
        below = {name[len(path) + 1 :].partition("/")[0] for name in FILES if name.startswith(f"{path}/")}
        return Answer("".join(f"{name}\n" for name in sorted(below)).encode()) if below else ABSENT
    return failing.get(path.rpartition("/")[2]) or (Answer(FILES[path]) if path in FILES else ABSENT)


def test_words_come_in_their_order_and_numbered_names_in_that_of_their_numbers() -> None:
    assert sweep("/x/{c,q*/b,q*/a}", reader).data == (
        b"c = \nq2/b = two\nq2/b = lines\nq0/a = 1\nq2/a = 2\nq10/a = 10\n"
    )


def test_files_that_are_not_there_leave_no_line() -> None:
    assert sweep("/x/{none,q0/a}", reader) == Answer(b"q0/a = 1\n")


def test_where_none_is_there_the_whole_is_absent() -> None:
    assert sweep("/nowhere/{a,b}/*", reader).outcome is Outcome.ABSENT


def test_one_file_that_is_denied_makes_the_rest_incomplete_and_is_named() -> None:
    answer = sweep("/x/q2/{a,b}", lambda path, how: reader(path, how, b=DENIED))

    assert (answer.outcome, answer.data) == (
        Outcome.TRUNCATED, b"a = 2\nb ! denied: EPERM: Operation not permitted\n",
    )  # fmt: skip


def test_one_that_does_not_apply_is_named_and_takes_nothing_from_the_rest() -> None:
    answer = sweep("/x/q2/{a,b}", lambda path, how: reader(path, how, b=INVALID))

    assert answer == Answer(b"a = 2\nb ! unsupported: EINVAL: Invalid argument\n")


def test_where_every_file_fails_the_whole_has_their_outcome() -> None:
    answer = sweep("/x/q2/{a,b}", lambda path, how: reader(path, how, a=INVALID, b=DENIED))

    assert (answer.outcome, answer.reason) == (Outcome.DENIED, DENIED.reason)


def test_a_folder_without_end_is_cut_and_says_so() -> None:
    def endless(path: str, how: How) -> Answer:
        return Answer(b"".join(b"n%d\n" % number for number in range(MOST + 9))) if how == "names" else Answer(b"1\n")

    answer = sweep("/x/*", endless)

    assert (answer.outcome, answer.data.count(b"\n")) == (Outcome.TRUNCATED, MOST)


def test_what_may_not_be_opened_is_not_opened_by_a_pattern() -> None:
    opened: list[str] = []

    def watching(path: str, how: How) -> Answer:
        opened.append(path)
        return Answer(b"1\n")

    answer = LiveSource(watching).read("/sys/bus/pci/devices/0000:3b:00.0/{rom,resource0}", "values", 5.0)

    assert (answer.outcome, opened) == (Outcome.SKIPPED, [])


def test_a_host_below_a_folder_is_swept_inside_it(tmp_path: Path) -> None:
    (tmp_path / "sys" / "q0").mkdir(parents=True)
    (tmp_path / "sys" / "q0" / "inside").write_text("1\n")
    (tmp_path / "sys" / "q0" / "outside").symlink_to("/etc/hostname")

    answer = TreeSource(str(tmp_path)).read("/sys/q*/{inside,outside}", "values", 5.0)

    assert (answer.outcome, answer.data.split(b"\n")[0]) == (Outcome.TRUNCATED, b"q0/inside = 1")
