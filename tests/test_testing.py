"""Assertions for tests of one's own: they hold where all was seen, and say what was not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.errors import InputError, UsageError
from sosmlx.testing import Source, assert_no_difference, assert_policy, assert_supported
from tests.layers import ROOT
from tests.snapshots import query

BEFORE, AFTER = (ROOT / "docs" / "examples" / name for name in ("before.txt", "after.txt"))
TODAY = date(2026, 11, 24)
POLICY = """
schema = "sosmlx.policy/1"
title = "Eight functions"

[[rule]]
id = "vfs-8"
plane = "nvconfig"
name = "NUM_OF_VFS"
facet = "next"
equals = 8
severity = "medium"
"""


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    path = tmp_path / "golden.toml"
    path.write_text(POLICY, encoding="utf-8")
    return path


def words(call: pytest.ExceptionInfo[AssertionError]) -> list[str]:
    return str(call.value).splitlines()


@pytest.mark.parametrize("source", [BEFORE, str(BEFORE), open_source(str(BEFORE))])
def test_a_source_is_a_path_a_word_or_a_bundle(source: Source) -> None:
    assert assert_no_difference(source, BEFORE) is None  # type: ignore[func-returns-value]


def test_a_difference_is_told_as_the_command_tells_it() -> None:
    with pytest.raises(AssertionError) as call:
        assert_no_difference(BEFORE, AFTER)

    assert words(call)[:3] == [
        "they differ",
        "",
        "CHANGED: 2 configuration settings differ. Strength weak: a text carries no evidence about the host.",
    ]


def test_what_is_ignored_does_not_differ() -> None:
    assert assert_no_difference(BEFORE, AFTER, ignore=["NUM_OF_VFS", "CQE_*"]) is None  # type: ignore[func-returns-value]


def test_what_one_side_could_not_read_is_not_the_same() -> None:
    with pytest.raises(AssertionError) as call:
        assert_no_difference("sim:two-adapters-before", "sim:no-fwctl", planes=["nvconfig"])

    assert words(call)[0] == "no difference was seen, but one side could not read what the other has"


def test_a_device_that_neither_side_has_is_no_success() -> None:
    with pytest.raises(UsageError, match="neither side has such a device"):
        assert_no_difference(BEFORE, BEFORE, devices=["0000:99:00.0"])


def test_a_host_inside_the_envelope_is_supported() -> None:
    assert assert_supported("sim:two-adapters-before") is None  # type: ignore[func-returns-value]


def test_a_tainted_host_is_not_supported() -> None:
    with pytest.raises(AssertionError) as call:
        assert_supported("sim:two-adapters-after")

    assert words(call)[2].startswith("TAINTED: n07 was accessed outside the support envelope")


def test_a_text_alone_is_not_known_to_be_supported() -> None:
    with pytest.raises(AssertionError) as call:
        assert_supported(BEFORE)

    assert words(call)[2].startswith("UNDETERMINED: ")


def test_a_policy_that_is_kept_holds(golden: Path) -> None:
    assert assert_policy(BEFORE, golden, today=TODAY) is None  # type: ignore[func-returns-value]


def test_a_policy_that_is_not_kept_names_the_rule(golden: Path) -> None:
    with pytest.raises(AssertionError, match="vfs-8") as call:
        assert_policy(AFTER, golden, today=TODAY)

    assert words(call)[0] == "the policy is not kept"


def test_a_finding_below_the_threshold_does_not_fail(golden: Path) -> None:
    assert assert_policy(AFTER, golden, fail_on="high", today=TODAY) is None  # type: ignore[func-returns-value]


def test_a_policy_that_asks_for_what_was_not_captured_cannot_be_told(golden: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(query({"SRIOV_EN": ("True(1)", "True(1)", "True(1)")}), encoding="utf-8")

    with pytest.raises(AssertionError) as call:
        assert_policy(other, golden, today=TODAY)

    assert words(call)[0] == "whether the policy is kept cannot be told"


def test_a_severity_that_there_is_not_is_refused(golden: Path) -> None:
    with pytest.raises(UsageError, match="no such severity"):
        assert_policy(BEFORE, golden, fail_on="worst")  # type: ignore[arg-type]


def test_a_policy_with_a_mistake_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(POLICY.replace("equals", "equal"), encoding="utf-8")

    with pytest.raises(InputError, match="equal"):
        assert_policy(BEFORE, path)
