"""Assertions for tests of one's own: `pytest` shows their message, which is what the command would have printed.

    from sosmlx.testing import assert_policy

    def test_the_node_is_as_we_want_it() -> None:
        assert_policy("node7.tar.xz", "policies/golden.toml")

What could not be read is no success: each of these fails for what it cannot know, and says what was not seen.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, datetime, timezone
from typing import Union

from sosmlx.bundle.opening import open_source
from sosmlx.diff.align import named
from sosmlx.diff.compare import compare_bundles
from sosmlx.diff.result import Comparison, Filter
from sosmlx.errors import UsageError
from sosmlx.model import SEVERITIES, Severity, Snapshot
from sosmlx.normalise import normalise
from sosmlx.policy.check import Only
from sosmlx.policy.named import named as policies
from sosmlx.record import Bundle
from sosmlx.report.check_text import check_text
from sosmlx.report.result import check_view, evaluate
from sosmlx.report.show import show_view
from sosmlx.report.text import diff_text, show_text
from sosmlx.report.view import diff_view

__all__ = ["assert_no_difference", "assert_policy", "assert_supported"]

Source = Union[str, "os.PathLike[str]", Bundle]
"""What a test names: a SOURCE as on the command line, a path, or a bundle that is open already."""

_DAMAGED = ("bundle.damaged", "unparseable")


def assert_supported(source: Source) -> None:
    """Assert that a host is inside the support envelope, as far as all of the evidence tells.

    Raises AssertionError with the verdict and what was not captured; InputError for a source that cannot be read.
    """
    snapshot = normalise(_bundle(source))
    view = show_view(snapshot, ())
    if view.status != "supported" or _is_damaged(snapshot):
        raise AssertionError(_words("not supported", show_text(view)))


def assert_no_difference(
    left: Source, right: Source, *, ignore: Sequence[str] = (), planes: Sequence[str] = (), devices: Sequence[str] = ()
) -> None:
    """Assert that two sources hold the same; `ignore` are globs, as in `sosmlx diff --ignore`.

    Raises AssertionError with what differs, or what one side could not read; InputError, UsageError for what is wrong
    with the sources or the choice.
    """
    only = Filter(False, tuple(planes), tuple(devices), tuple(ignore))
    found = compare_bundles(_bundle(left), _bundle(right), only)
    if devices and not named((*found.left.devices, *found.right.devices), devices):
        raise UsageError(f"devices {', '.join(devices)}: neither side has such a device")
    word = _differing(found)
    if word:
        raise AssertionError(_words(word, diff_text(diff_view(found))))


def _differing(found: Comparison) -> str:
    if found.differences:
        return "they differ"
    unknown = found.gaps or _is_damaged(found.left) or _is_damaged(found.right)
    return "no difference was seen, but one side could not read what the other has" if unknown else ""


def assert_policy(
    source: Source,
    *baselines: str | os.PathLike[str],
    fail_on: Severity = "low",
    devices: Sequence[str] = (),
    planes: Sequence[str] = (),
    today: date | None = None,
) -> None:
    """Assert that a source is as policies say, as in `sosmlx check --baseline`; without any, the built-in envelope.

    Raises AssertionError with the findings at or above `fail_on`, a taint that nobody waived, or what was not read;
    InputError, UsageError for what is wrong with the source, a policy or the choice. `today` decides on waivers.
    """
    if fail_on not in SEVERITIES:
        raise UsageError(f"fail_on {fail_on!r}: no such severity", f"known ones: {', '.join(SEVERITIES)}")
    snapshot = normalise(_bundle(source))
    chosen = named(snapshot.devices, devices)
    if devices and not chosen:
        raise UsageError(f"devices {', '.join(devices)}: no such device there")
    asked = policies([os.fspath(spec) for spec in baselines], snapshot, lambda spec: normalise(open_source(spec)))
    only = Only(frozenset(chosen) if devices else None, tuple(planes))
    result = evaluate(snapshot, asked, today or datetime.now(timezone.utc).date(), fail_on, only)
    if result.code:
        word = {1: "the policy is not kept", 3: "whether the policy is kept cannot be told"}.get(result.code, "")
        raise AssertionError(_words(word, check_text(check_view(result))))


def _bundle(source: Source) -> Bundle:
    return source if isinstance(source, Bundle) else open_source(os.fspath(source))


def _is_damaged(snapshot: Snapshot) -> bool:
    return any(row.kind in _DAMAGED for row in snapshot.evidence)


def _words(word: str, text: str) -> str:
    return f"{word}\n\n{text}"
