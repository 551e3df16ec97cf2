"""The README cannot drift: what it says that a command prints is what the command prints."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path

import pytest

from sosmlx.cli import main
from sosmlx.cli.options import EXIT_CODES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"```console\n\$ sosmlx ([^\n]+)\n(.*?)```", README, re.DOTALL)


def test_there_are_sessions_to_check() -> None:
    assert [words.split()[0] for words, _ in SESSIONS] == ["diff", "diff", "check", "--help"]


@pytest.mark.parametrize(("words", "printed"), SESSIONS, ids=lambda value: value.split("\n")[0])
def test_a_session_prints_what_the_readme_shows(
    words: str, printed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")

    command, _, pattern = words.partition(" | grep ")

    with contextlib.suppress(SystemExit):
        main(shlex.split(command))

    lines = capsys.readouterr().out.splitlines()
    assert _stripped("\n".join(line for line in lines if pattern.strip("'") in line)) == _stripped(printed)


def _stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def test_the_exit_codes_are_in_the_readme() -> None:
    assert _stripped(EXIT_CODES) in _stripped(README)


@pytest.mark.parametrize("path", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda path: path.name)
def test_a_link_of_the_documentation_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))

    assert [link for link in links if not (path.parent / link).exists()] == []
