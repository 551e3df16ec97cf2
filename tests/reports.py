"""What the tests of CI outputs share: public schemas, results of sources, and cases with hostile words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import jsonschema
import xmlschema
from hypothesis import strategies as st

from sosmlx.bundle.opening import open_source
from sosmlx.diff.compare import compare_bundles
from sosmlx.diff.result import DEFAULT, Filter
from sosmlx.model import SEVERITIES, Coverage, Device, Facet, Result, Setting, Snapshot, SourceInfo, Waived
from sosmlx.normalise import normalise
from sosmlx.policy.document import load
from sosmlx.report.cases import Case, Report
from sosmlx.report.formats import Formats, check_formats, diff_formats
from sosmlx.report.result import evaluate
from tests.layers import ROOT

SCHEMAS = Path(__file__).parent / "schemas"
XSD = xmlschema.XMLSchema(str(SCHEMAS / "jenkins-junit.xsd"))
SARIF = jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8")))
SCENARIOS = ("two-adapters-before", "two-adapters-after", "no-fwctl", "bare")
EVIL = (
    "<script>alert(1)</script>|`x`\x1b[2J\u202e\u2028]]>&#0;\ud800%0A::set-env name=a::b\r\n::error::c ##[add-path]"
    " @team [a](http://x) www.x.org \\"
)
BEFORE, AFTER = (str(ROOT / "docs" / "examples" / name) for name in ("before.txt", "after.txt"))
TODAY = date(2026, 11, 24)


def diff(left: str, right: str, only: Filter = DEFAULT) -> Formats:
    return diff_formats(compare_bundles(open_source(left), open_source(right), only), only)


def check(source: str, *policies: str) -> Formats:
    return check_formats(evaluate(normalise(open_source(source)), [load(policy) for policy in policies], TODAY))


def xml(text: str) -> ElementTree.Element:
    XSD.validate(text)
    return ElementTree.fromstring(text)  # noqa: S314 - our own output


def log(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    SARIF.validate(document)
    run: dict[str, Any] = document["runs"][0]
    return run


def report(*cases: Case, kind: str = "check", status: str = "changed", code: int | None = None) -> Report:
    return Report(kind, "t", status, f"{status.upper()}: words.", cases, ("expected", "actual"), (), code)


def text() -> st.SearchStrategy[str]:
    return st.one_of(st.just(EVIL), st.text(st.characters(), max_size=12), st.sampled_from(["a", "b"]))


def cases() -> st.SearchStrategy[Case]:
    waived = st.builds(Waived, st.sampled_from(["active", "expiring", "expired"]), text(), text(), text(), text())
    return st.builds(
        Case, rule=text(), title=text(), result=st.sampled_from(get_args(Result)), severity=st.sampled_from(SEVERITIES),
        device=text(), key=text(), expected=text(), actual=text(), reason=text(), advice=text(), policy=text(),
        where=text(), source=text(), fingerprint=text(), waived=st.none() | waived, light=st.booleans(),
    ).map(lambda case: replace(case, light=case.light and case.result == "fail"))  # fmt: skip


reports = st.lists(cases(), max_size=6).map(lambda found: report(*found))


def one_knob(value: int, status: str = "complete", name: str = "A") -> Snapshot:
    setting = Setting("d", "nvconfig", name, "permanent", (("next", Facet(value, str(value))),))
    device, row = Device(id="d", bdf="d", role="pf", serial="s"), Coverage("d", "nvconfig", status, reason="denied")
    return Snapshot(SourceInfo("bundle", "b", "h"), {"taint": 0}, (device,), (setting,), (), (row,))
