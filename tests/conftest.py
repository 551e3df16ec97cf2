"""Shared fixtures: profiles, folders, and the installed command."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("house")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, a skip of a test that is provided for is a failure: it would hide that the thing was not there."""
    report = yield
    if report.skipped and os.environ.get("SOSMLX_CI") and item.get_closest_marker("provided"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though CI provides for it: {report.longrepr}"
    return report
