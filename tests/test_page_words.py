"""What a page offers to take along, and how much of a large result it lays out; no browser is needed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import date

from sosmlx.diff.compare import Filter, compare
from sosmlx.model import Facet, Setting
from sosmlx.policy.rules import Select, Waiver
from sosmlx.report import html
from sosmlx.report.page import check_page, diff_page
from sosmlx.report.result import check_view, evaluate
from sosmlx.report.view import diff_view
from tests.pages import large
from tests.policies import CARD, TODAY, host, policy, rule, setting

ACTING = "x'; touch hit; '[3]*"


def test_the_option_that_leaves_out_a_difference_is_one_word_for_a_shell_and_meets_it_alone() -> None:
    before = host(setting(ACTING, 8), setting("x'; touch hit; '3a", 8))
    after = host(setting(ACTING, 16), setting("x'; touch hit; '3a", 16))
    found = compare(before, after)

    proofs = diff_page(found, diff_view(found)).proofs
    option, glob = shlex.split(next(proof.paste[0] for proof in proofs.values() if "[[]3" in proof.paste[0]))

    left = compare(before, after, Filter(ignore=(glob,))).differences
    assert (option, [row.name for row in left]) == ("--ignore", ["x'; touch hit; '3a"])


def test_the_summary_for_the_ticket_tells_what_is_waived_from_what_fails() -> None:
    accepted = Waiver("r", "test node", "net-team", date(2026, 1, 1), date(2026, 12, 31), device=Select(device=(CARD,)))
    rules = policy(rule("equals", 8), rule("equals", 1, "SRIOV_EN", id="sriov"), waivers=[accepted])
    result = evaluate(host(setting("NUM_OF_VFS", 16), setting("SRIOV_EN", 0)), [rules], TODAY)

    page = check_page(result, check_view(result))

    named = [line for line in page.summary if line.startswith((" ", "Fails", "Waived"))]
    assert (named, page.grid.rows) == (
        [
            "Fails (1):", f"  {CARD} sriov (medium): expected 1, actual 0",
            "Waived (1):", f"  {CARD} r (medium): expected 8, actual 16; waived until 2026-12-31: test node (net-team)",
        ],
        ((CARD, (1,)),),
    )  # fmt: skip


def test_the_summary_for_the_ticket_names_the_worst_first_and_buries_nothing_under_a_long_value() -> None:
    names = [f"PARAMETER_{number}" for number in range(20)]
    before = host(*(setting(name, 0) for name in names), _taint(0))
    after = host(*(setting(name, 1) for name in names), setting("LONG", "x" * 1_000_000), _taint(4096))
    found = compare(before, after)

    summary = diff_page(found, diff_view(found)).summary

    changed = summary.index("Changed (22):")
    assert (summary[changed + 1], max(map(len, summary)) < 1000) == ("  host kernel taint (current): 0 → 4096", True)


def test_a_page_of_many_waiting_settings_counts_what_it_does_not_lay_out() -> None:
    before, after = large(4, 500, 0)
    waiting = tuple(row._replace(facets=(*row.facets[:-1], ("next", Facet(77, "77")))) for row in after.settings)
    found = compare(before, replace(after, settings=waiting))
    view = diff_view(found)

    page = html.diff_page(view, diff_page(found, view))

    laid = page.count("<li><code>")
    assert (laid, f"<p>{len(view.pending) - laid} more are not laid out here" in page) == (html.MOST_ROWS, True)


def _taint(word: int) -> Setting:
    return Setting("host", "kernel", "taint", "", (("current", Facet(word, str(word))),), cls="evidence")
