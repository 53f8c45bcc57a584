"""Do the lock files hold exactly names and versions, and one for everything that is declared?"""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9A-Za-z.+!]+)( ; [^:/]+)?")
"""A package, its version, and perhaps where it is needed. Nothing else may stand in a lock file."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = {
    "requirements.lock": [*PROJECT["dependencies"], *EXTRAS["postgres"]],
    "requirements-test.lock": [*PROJECT["dependencies"], *EXTRAS["postgres"], *EXTRAS["test"]],
}


def strange_lines(text: str) -> list[str]:
    """Return the lines that say more, or less, than a name, a version and where it is needed."""
    return [line for line in text.splitlines() if not LINE.fullmatch(line)]


def unmet(text: str, declared: list[str]) -> list[str]:
    """Return the declared requirements that no line of the lock file fulfils."""
    locked = {match["name"]: match["version"] for line in text.splitlines() if (match := LINE.fullmatch(line))}
    requirements = [Requirement(line) for line in declared]
    return [
        requirement.name
        for requirement in requirements
        if not requirement.specifier.contains(locked.get(requirement.name, "0"))
    ]


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_a_lock_file_holds_names_and_versions_only(name):
    text = (ROOT / name).read_text("utf-8")
    assert text
    assert strange_lines(text) == []


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_a_lock_file_fulfils_every_declared_requirement(name):
    assert unmet((ROOT / name).read_text("utf-8"), DECLARED[name]) == []


def test_tests_run_with_the_very_versions_that_are_served():
    served = set((ROOT / "requirements.lock").read_text("utf-8").splitlines())
    tested = set((ROOT / "requirements-test.lock").read_text("utf-8").splitlines())
    assert _versions(served) - _versions(tested) == set()


def _versions(lines: set[str]) -> set[str]:
    return {line.partition(" ;")[0] for line in lines}


def test_an_address_in_a_lock_file_is_noticed():
    text = "a==1.0\n--index-url https://example.com/simple\nb @ https://example.com/b.whl\n"
    assert strange_lines(text) == text.splitlines()[1:]


def test_a_missing_and_an_outdated_lock_are_noticed():
    assert unmet("a==1.0\nb==1.0\n", ["a>=1", "b>=2,<3", "c"]) == ["b"]
    assert unmet("a==1.0\n", ["c>=1"]) == ["c"]
