"""Does the source text keep its rules, and would each rule notice when it did not?"""

import re
from pathlib import Path

import pytest

from tests.architecture import source_rules

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "rolecall").rglob("*.py"))
TOOLS = sorted((ROOT / "tools").rglob("*.py"))

BROAD_EXCEPTS = {
    "api/calls.py: answered": "an unforeseen failure is answered with the request id under which the log has it",
    "events/chain/sealer.py: _seal": "the sealer outlives any failure; what waits is sealed when it is over",
    "jobs/runner.py: _do": "whatever a job does wrong is noted with it, and it is tried again",
    "jobs/runner.py: _serve": "the runner outlives any failure",
    "storage/rehearsal.py: _undo": "what failed before is raised, and closing the connection undoes everything",
    "storage/transactions.py: _change_pooled": "repeats what PostgreSQL asks to repeat; raises everything else",
    "storage/transactions.py: _roll_back": "why there was a rollback is on its way up, and closing undoes everything",
    "storage/batch.py: _try": "hands the failure to whoever waits for the change; the batch goes on without it",
    "storage/batch.py: whole_or_not_at_all": "the writers outlive any failure of the database; whoever waits is told",
    "storage/turns.py: taking_turns": "hands the failure to the code that waits, which raises it",
    "storage/writer.py: _begin": "takes a new connection in the place of a lost one; raises everything else",
}
"""Functions that may catch everything without raising it again, each with its reason. The list may only shrink."""


@pytest.fixture
def bad(tmp_path):
    """Return a function that writes a bad sample and returns its path."""

    def write(text: str, name: str = "sample.py") -> list[Path]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return [path]

    return write


def test_no_source_file_is_too_long_to_read_at_once():
    assert source_rules.long_files(SOURCES + TOOLS) == []


def test_a_file_of_501_lines_is_noticed(bad):
    assert source_rules.long_files(bad("x = 1\n" * 500)) == []
    assert len(source_rules.long_files(bad("x = 1\n" * 501))) == 1


def test_no_function_is_too_long_for_a_screen():
    # A migration is a list of statements: cutting it up would hide their order.
    ruled = [path for path in SOURCES + TOOLS if "versions" not in path.parts]
    assert source_rules.long_functions(ruled) == []


def test_a_function_of_41_lines_is_noticed(bad):
    body = "    x = 1\n" * 40
    assert source_rules.long_functions(bad(f'def f(\n    a,\n):\n    """Docstrings are free."""\n{body}')) == []
    assert len(source_rules.long_functions(bad(f"async def f():\n{body}    x = 1\n"))) == 1


def test_no_module_has_a_name_that_says_nothing():
    assert source_rules.forbidden_names(SOURCES + TOOLS) == []


@pytest.mark.parametrize("name", ["utils.py", "helper.py", "manager/__init__.py", "services.py"])
def test_a_name_that_says_nothing_is_noticed(bad, name):
    assert len(source_rules.forbidden_names(bad("", name))) == 1


def test_every_module_says_which_question_it_answers():
    assert source_rules.silent_modules(SOURCES + TOOLS) == []


def test_a_silent_module_is_noticed(bad):
    assert len(source_rules.silent_modules(bad("x = 1\n"))) == 1


def test_only_the_listed_functions_catch_everything():
    found = {place.removeprefix(f"{ROOT}/src/rolecall/") for place in source_rules.broad_excepts(SOURCES)}
    assert found == set(BROAD_EXCEPTS)


@pytest.mark.parametrize("caught", ["", " Exception", " BaseException as error", " (ValueError, Exception)"])
def test_catching_everything_is_noticed(bad, caught):
    [path] = bad(
        f"class C:\n    def swallow(self):\n        try:\n            pass\n        except{caught}:\n            pass\n"
    )
    assert source_rules.broad_excepts([path]) == [f"{path}: swallow"]


def test_suppressing_everything_is_noticed(bad):
    [path] = bad("def f():\n    with contextlib.suppress(OSError, Exception):\n        pass\n")
    assert source_rules.broad_excepts([path]) == [f"{path}: f"]
    assert source_rules.broad_excepts(bad("with suppress(OSError):\n    pass\n")) == []


def test_cleaning_up_and_raising_again_is_allowed(bad):
    sample = bad("try:\n    x = 1\nexcept BaseException:\n    x = 2\n    raise\n")
    assert source_rules.broad_excepts(sample) == []


def test_catching_one_exception_is_allowed(bad):
    assert source_rules.broad_excepts(bad("try:\n    pass\nexcept ValueError:\n    pass\n")) == []


def test_whatever_silences_a_tool_says_why():
    everything = [*SOURCES, *TOOLS, *(ROOT / "tests").rglob("*.py")]
    assert source_rules.bare_exceptions(path for path in everything if path != Path(__file__)) == []


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa",
        "x = 1  # noqa: E501",
        "x = f()  # type: ignore[misc]",
        "if x:  # pragma: no cover",
    ],
)
def test_silence_without_a_reason_is_noticed(bad, line):
    [path] = bad(f"\n{line}\n")
    assert source_rules.bare_exceptions([path]) == [f"{path}:2"]


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: E501  # an address",
        "x = 1  # noqa: S101, E501 - an address",
        "x = f()  # type: ignore[misc]  # their stubs are wrong",
        "broadcast(x)",
    ],
)
def test_silence_with_a_reason_is_allowed(bad, line):
    assert source_rules.bare_exceptions(bad(f"{line}\n")) == []


def test_a_cast_needs_a_reason_unless_it_is_sql(bad):
    line = 'x = cast("int", y)'
    assert len(source_rules.bare_exceptions(bad(f"from typing import Any, cast\n{line}\n"))) == 1
    assert source_rules.bare_exceptions(bad(f"from typing import cast\n{line}  # checked above\n")) == []
    assert source_rules.bare_exceptions(bad(f"from sqlalchemy import cast\n{line}\n")) == []


def test_every_rule_that_ruff_leaves_out_has_its_reason():
    settings = (ROOT / "pyproject.toml").read_text("utf-8").partition("[tool.ruff]")[2].partition("[tool.mypy]")[0]
    ignored = [line for line in settings.splitlines() if re.fullmatch(r'\s+"[A-Z]+[0-9]*",.*', line)]
    assert len(ignored) > 10
    assert [line for line in ignored if not re.search(r",\s+# [\w`]", line)] == []
