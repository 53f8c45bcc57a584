"""Does the report of conformance say what the tests say, and does every clause have tests?"""

import re
from pathlib import Path

from tools.make_conformance_report import Clause, as_page, judge, read_run, read_table, without_test

FOLDER = Path(__file__).parent
RUN = """<testsuites><testsuite>
<testcase classname="tests.conformance.test_a" name="test_one[x-1]"/>
<testcase classname="tests.conformance.test_a" name="test_one[y]"><failure/></testcase>
<testcase classname="tests.conformance.test_a" name="test_two"/>
<testcase classname="tests.conformance.test_b" name="test_three[sqlite]"><error/></testcase>
</testsuite></testsuites>"""


def clause(*tests):
    return Clause(clause="RFC 0 §1", claim="Something.", tests=tests)


def test_every_test_that_the_table_of_clauses_names_exists():
    there = {
        f"{path.name}::{name}": None
        for path in FOLDER.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    table = read_table()
    assert all(row.clause and row.claim and row.tests for row in table)
    assert without_test(table, there) == []


def test_a_clause_fails_when_one_case_of_its_tests_does():
    run = read_run(RUN)
    assert run == {"test_a.py::test_one": (1, 1), "test_a.py::test_two": (1, 0), "test_b.py::test_three": (0, 1)}
    tables = [clause("test_a.py::test_two"), clause("test_a.py"), clause("test_*.py::test_t*"), clause("test_c.py")]
    verdicts = judge(tables, run)
    assert [verdict.passed for verdict in verdicts] == [True, False, False, False]
    assert "| RFC 0 §1 | Something. | 2 | 3 | **failed: 1** |" in as_page(verdicts)


def test_a_name_that_no_test_has_is_reported():
    assert without_test([clause("test_a.py", "test_a.py::test_four")], read_run(RUN)) == [
        "RFC 0 §1: test_a.py::test_four"
    ]
