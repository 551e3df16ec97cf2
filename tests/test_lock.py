"""What the project is built and tested with is pinned: every package that it asks for, by version and check sum."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

ROW = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>[A-Za-z0-9.!+]+)(?: ; [^\n\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    r"(?:    #[^\n]*\n)*",
    re.MULTILINE,
)
"""A package as pip takes it with `--require-hashes`: one version, and the check sums of its files."""

PINNED = {row["name"]: row["version"] for row in ROW.finditer(LOCK)}


def wanted() -> list[Requirement]:
    """Everything that pyproject.toml asks for here: to run, to develop, and to build."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = said["project"]["optional-dependencies"]
    texts = [*said["project"]["dependencies"], *extras["dev"], *extras["zstd"], *said["build-system"]["requires"]]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("requirement", wanted(), ids=lambda requirement: requirement.name)
def test_what_the_project_asks_for_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    pins = [version for name, version in PINNED.items() if name == canonicalize_name(requirement.name)]

    assert [requirement.specifier.contains(pin) for pin in pins] == [True], "requirements.lock is old: run `make lock`"


def test_nothing_else_is_in_the_file_no_address_and_no_option() -> None:
    left = [line for line in ROW.sub("", LOCK).splitlines() if line and not line.startswith("#")]

    assert (left, "//" in LOCK) == ([], False)
