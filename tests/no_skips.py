"""Why does a skipped test fail here? Because nobody reads skips."""

from collections.abc import Generator

import pytest

_REFUSED = "Skips and expected failures are not allowed here: make it run, or delete it."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{_REFUSED}\n{report.longrepr}"
        if hasattr(report, "wasxfail"):
            del report.wasxfail
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{_REFUSED}\n{report.longrepr}"
    return report
