"""Results as GitHub workflow commands: annotations on the lines of the policy's rules.

Every line that is printed is a command of ours (`::error …::text`), so that no text of a bundle can begin one. GitHub
shows ten annotations of a type and step; of more, the last says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sosmlx.printable import visible
from sosmlx.report.cases import Case, Report, cut, details
from sosmlx.report.show import ShowView

MOST = 10

_TYPES = {"info": "notice", "low": "notice", "medium": "warning", "high": "error", "critical": "error"}
_STATUS = {"supported": "notice", "undetermined": "warning"}
_LONGEST = 2000


def github(report: Report) -> str:
    """Render a report: the verdict, then what fails, then what is not known."""
    rows: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    rows[_STATUS.get(report.status, "error")].append(
        command(_STATUS.get(report.status, "error"), f"sosmlx: {report.status}", report.sentence)
    )
    for case in report.worst_first():
        if case.fails:
            kind = _TYPES[case.severity] if case.result == "fail" else "error"
        elif case.is_waived or case.result == "unknown":
            kind = "notice" if case.is_waived else "warning"
        else:
            continue
        rows[kind].append(_annotation(kind, case, report))
    return "".join(f"{line}\n" for kind, lines in rows.items() for line in _few(kind, lines))


def show_github(view: ShowView) -> str:
    """Render a snapshot: its verdict, the evidence that a reader must see, and what was not captured."""
    kind = _STATUS.get(view.status, "error")
    lines = [command(kind, f"sosmlx: {view.status}", view.sentence)]
    words = [(f"{row.device} {row.plane}", row.what) for row in view.evidence]
    words += [(f"{row.device} {row.plane} pending a reset", f"{row.what}: {row.why}") for row in view.pending]
    words += [(f"{row.device} {row.plane} {row.what}", row.why or row.what) for row in view.coverage.gaps]
    rows = [command("warning", title, text) for title, text in words]
    return "".join(f"{line}\n" for line in [*lines, *_few("warning", rows)])


def _few(kind: str, lines: Sequence[str]) -> Iterator[str]:
    if len(lines) <= MOST:
        yield from lines
        return
    yield from lines[: MOST - 1]
    rest = len(lines) - MOST + 1
    yield command(kind, "sosmlx: more", f"{rest} more of this kind are not shown here; the JSON document has them")


def _annotation(kind: str, case: Case, report: Report) -> str:
    title = " ".join(filter(None, [case.rule, case.device, case.key]))
    if not case.fails:
        title = f"{'waived' if case.is_waived else case.result}: {title}"
    path, _, line = case.where.rpartition(":")
    place = (path, line) if line.isascii() and line.isdigit() and path else (case.where, "")
    if case.where.startswith("builtin:"):
        place = ("", "")  # no file of theirs
    return command(kind, title, "\n".join(details(case, report)), *place)


def command(kind: str, title: str, text: str, file: str = "", line: str = "") -> str:
    r"""Write one workflow command, with GitHub's own escapes.

    Source: `escapeData` and `escapeProperty` of the actions toolkit (`packages/core/src/command.ts`).

    >>> command("error", "a:b,c", "100%\n::set-env::x", "p.toml", "3")
    '::error file=p.toml,line=3,title=a%3Ab%2Cc::100%25%0A::set-env::x'
    """
    places = [("file", file), ("line", line), ("title", cut(title, 250))]
    properties = ",".join(f"{name}={_property(value)}" for name, value in places if value)
    return f"::{kind} {properties}::{_data(cut(text, _LONGEST))}"


def _data(text: str) -> str:
    lines = [visible(line) for line in text.split("\n")]
    return "\n".join(lines).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return visible(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
