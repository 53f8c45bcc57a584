"""Does each import contract catch what it forbids?"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "pyproject.toml"


class Violation(NamedTuple):
    """An import that a contract forbids: who plants it, what, and which words the complaint must have."""

    contract: str
    importer: str
    line: str
    complaint: str


VIOLATIONS = [
    Violation("floors", "kernel/page.py", "import rolecall.directory.model", "kernel is not allowed to import"),
    Violation("floors", "directory/model.py", "import rolecall.main", "directory is not allowed to import"),
    Violation("floors", "scim/errors.py", "import rolecall.api", "scim is not allowed to import"),
    Violation("floors", "api/planted.py", "import rolecall.web", "api is not allowed to import"),
    Violation("floors", "pantry/__init__.py", "", "rolecall.pantry"),
    Violation("no-cycles", "kernel/document.py", "import rolecall.kernel.predicate", "No cycles are allowed"),
    Violation(
        "private-tables",
        "api/planted.py",
        "import rolecall.directory.store",
        "rolecall.api.planted -> rolecall.directory.store",
    ),
    Violation(
        "private-tables",
        "authentication/planted.py",
        "import rolecall.directory.tables",
        "rolecall.authentication.planted -> rolecall.directory.tables",
    ),
    Violation(
        "private-tables",
        "migrations/planted.py",
        "import rolecall.directory.store",
        "rolecall.migrations.planted -> rolecall.directory.store",
    ),
    Violation("sql-in-its-place", "directory/model.py", "import sqlalchemy", "rolecall.directory.model -> sqlalchemy"),
    Violation("sql-in-its-place", "api/planted.py", "import sqlite3", "rolecall.api.planted -> sqlite3"),
    Violation("sql-in-its-place", "cli/planted.py", "import alembic.command", "rolecall.cli.planted -> alembic"),
    Violation("sql-in-its-place", "events/planted.py", "import psycopg", "rolecall.events.planted -> psycopg"),
    Violation("pure-rules", "directory/model.py", "import os", "rolecall.directory.model -> os"),
    Violation("pure-rules", "directory/decide.py", "import socket", "rolecall.directory.decide -> socket"),
    Violation("pure-rules", "scim/errors.py", "import starlette.requests", "rolecall.scim.errors -> starlette"),
    Violation("pure-rules", "kernel/clock.py", "import time", "rolecall.kernel.clock -> time"),
    Violation(
        "pure-rules",
        "authorization/check.py",
        "import rolecall.storage.engine",
        "rolecall.authorization.check -> rolecall.storage.engine",
    ),
    Violation(
        "languages-know-models",
        "scim/errors.py",
        "import rolecall.directory.users",
        "rolecall.scim.errors -> rolecall.directory.users",
    ),
    Violation(
        "settings-read-once",
        "http/planted.py",
        "import rolecall.settings",
        "rolecall.http.planted -> rolecall.settings",
    ),
    Violation(
        "http-knows-no-rules",
        "http/planted.py",
        "import rolecall.directory.users",
        "rolecall.http.planted -> rolecall.directory.users",
    ),
    Violation(
        "connectors-see-the-sdk",
        "connectors/ldap.py",
        "import rolecall.directory.users",
        "rolecall.connectors.ldap -> rolecall.directory.users",
    ),
    Violation(
        "connectors-by-registry",
        "main.py",
        "import rolecall.connectors.okta",
        "rolecall.main -> rolecall.connectors.okta",
    ),
    Violation(
        "governance-rooms-apart",
        "governance/reviews.py",
        "import rolecall.governance.rules",
        "rolecall.governance.reviews is not allowed to import rolecall.governance.rules",
    ),
]


@pytest.fixture
def package(tmp_path):
    """A copy of the package to plant violations in, with one module of each kind that is not built yet."""
    copy = tmp_path / "rolecall"
    shutil.copytree(ROOT / "src" / "rolecall", copy, ignore=shutil.ignore_patterns("__pycache__", "console"))
    for planned in ("connectors/__init__", "connectors/okta", "governance/__init__", "governance/rules"):
        module = copy / f"{planned}.py"
        if not module.exists():
            module.parent.mkdir(exist_ok=True)
            module.write_text('"""Planned."""\n', "utf-8")
    return copy


def plant(package: Path, violation: Violation) -> None:
    """Write the violation's import at the end of its importer, which is created where there is none."""
    importer = package / violation.importer
    importer.parent.mkdir(exist_ok=True)
    before = importer.read_text("utf-8") if importer.exists() else ""
    importer.write_text(f"{before}\n{violation.line}\n", "utf-8")


def lint(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Check the contracts of this repository on the copy."""
    environment = {**os.environ, "PYTHONPATH": f"{package.parent}{os.pathsep}{ROOT}", "COLUMNS": "400", "NO_COLOR": "1"}
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo", *arguments, str(CONFIGURATION)]
    return subprocess.run(
        command, cwd=package.parent, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def declared_contracts() -> set[str]:
    """Return the ids of the contracts in pyproject.toml."""
    settings = tomllib.loads(CONFIGURATION.read_text("utf-8"))
    return {contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]}


def test_the_package_as_it_is_keeps_every_contract(package):
    result = lint(package)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(declared_contracts())} kept, 0 broken" in result.stdout


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: f"{violation.contract}-{violation.importer}")
def test_a_planted_violation_is_caught(package, violation):
    plant(package, violation)
    result = lint(package, "--contract", violation.contract)
    said = " ".join(result.stdout.split())
    assert result.returncode == 1, said + result.stderr
    assert "0 kept, 1 broken" in said
    assert violation.complaint in said


def test_every_contract_has_a_planted_violation():
    assert {violation.contract for violation in VIOLATIONS} == declared_contracts()


def test_migrations_may_see_the_tables_of_a_room(package):
    plant(package, Violation("private-tables", "migrations/planted.py", "import rolecall.directory.tables", ""))
    result = lint(package, "--contract", "private-tables")
    assert "1 kept, 0 broken" in result.stdout, result.stdout + result.stderr
