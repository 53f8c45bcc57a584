"""Which clause of the SCIM standards is tested by what, and with which result?

`python -m tools.make_conformance_report` reads the JUnit report of a run of tests/conformance and the table
tests/conformance/clauses.json, and writes docs/reference/scim-conformance.md and .json.
"""

import argparse
import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
TABLE: Final = ROOT / "tests" / "conformance" / "clauses.json"
PAGE: Final = ROOT / "docs" / "reference" / "scim-conformance.md"
RUN: Final = ROOT / ".venv-test" / "reports" / "conformance.xml"
_NOTE: Final = "<!-- Written by tools/make_conformance_report.py from a run of `make conformance`. Do not edit. -->"
_PARAMETERS: Final = re.compile(r"\[.*\]$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One row of the table. A test is named `test_file.py::test_name`; `*` stands for anything."""

    clause: str
    claim: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a run says about a clause: how many cases of each test passed and failed."""

    clause: Clause
    cases: Mapping[str, tuple[int, int]]

    @property
    def passed(self) -> bool:
        """Whether there were tests and none failed."""
        return bool(self.cases) and not any(failed for _, failed in self.cases.values())


def read_table(path: Path = TABLE) -> list[Clause]:
    """Return the clauses and their tests."""
    rows = json.loads(path.read_text("utf-8"))
    return [Clause(clause=row["clause"], claim=row["claim"], tests=tuple(row["tests"])) for row in rows]


def read_run(report: str) -> dict[str, tuple[int, int]]:
    """Return, by test without parameters, how many of its cases passed and failed in a JUnit report."""
    cases: dict[str, tuple[int, int]] = {}
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314  # our own pytest wrote it
        file = case.get("classname", "").rpartition(".")[2]
        name = f"{file}.py::{_PARAMETERS.sub('', case.get('name', ''))}"
        passed, failed = cases.get(name, (0, 0))
        bad = any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
        cases[name] = (passed, failed + 1) if bad else (passed + 1, failed)
    return cases


def is_named(test: str, pattern: str) -> bool:
    """Return whether the pattern of a clause means the test. A pattern without `::` is a whole file."""
    return fnmatchcase(test, pattern if "::" in pattern else f"{pattern}::*")


def judge(table: Sequence[Clause], run: Mapping[str, tuple[int, int]]) -> list[Verdict]:
    """Return what the run says about each clause, in the order of the table."""
    return [
        Verdict(
            clause=clause,
            cases={test: count for test, count in run.items() if any(is_named(test, one) for one in clause.tests)},
        )
        for clause in table
    ]


def without_test(table: Sequence[Clause], run: Mapping[str, object]) -> list[str]:
    """Return every name in the table that no test of the run has."""
    named = [(clause.clause, name) for clause in table for name in clause.tests]
    return [f"{clause}: {name}" for clause, name in named if not any(is_named(test, name) for test in run)]


def as_json(verdicts: Sequence[Verdict]) -> str:
    """Return the report for machines."""
    rows = [
        {
            "clause": verdict.clause.clause,
            "claim": verdict.clause.claim,
            "result": "passed" if verdict.passed else "failed",
            "tests": [
                {"test": test, "passed": passed, "failed": failed}
                for test, (passed, failed) in sorted(verdict.cases.items())
            ],
        }
        for verdict in verdicts
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def as_page(verdicts: Sequence[Verdict]) -> str:
    """Return the report for people."""
    lines = [
        "# SCIM conformance",
        "",
        _NOTE,
        "",
        "What is claimed of each clause, and what `make conformance` says to it. A case is one test with one set of",
        "parameters on one database. [The same for machines](scim-conformance.json) names every test.",
        "",
        "| Clause | Claim | Tests | Cases | Result |",
        "| --- | --- | --- | --- | --- |",
    ]
    for verdict in verdicts:
        cases = sum(passed + failed for passed, failed in verdict.cases.values())
        failed = sum(failed for _, failed in verdict.cases.values())
        result = "passed" if verdict.passed else f"**failed: {failed}**"
        clause = verdict.clause
        lines.append(f"| {clause.clause} | {clause.claim} | {len(verdict.cases)} | {cases} | {result} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the report, and say where it is. 1 when the table names a test that did not run, or a clause failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=RUN, help="JUnit report of tests/conformance")
    parser.add_argument("--page", type=Path, default=PAGE, help="page to write; the JSON goes beside it")
    arguments = parser.parse_args()
    table, run = read_table(), read_run(arguments.run.read_text("utf-8"))
    verdicts = judge(table, run)
    arguments.page.write_text(as_page(verdicts), "utf-8")
    arguments.page.with_suffix(".json").write_text(as_json(verdicts), "utf-8")
    missing = without_test(table, run)
    for name in missing:
        print(f"No test of this name ran: {name}", file=sys.stderr)
    failed = [verdict.clause.clause for verdict in verdicts if not verdict.passed]
    print(f"{len(verdicts) - len(failed)} of {len(verdicts)} clauses passed: {arguments.page}")
    return 1 if missing or failed else 0


if __name__ == "__main__":
    sys.exit(main())
