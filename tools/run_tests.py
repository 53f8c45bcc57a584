"""Does everything still work? Sets up what the tests need, runs every suite, and says so in one line.

Runs on a bare Python 3.11 or newer (standard library only): `make test`, or `python3 tools/run_tests.py unit docs`.
"""

from __future__ import annotations  # an older Python shall get as far as being told that it is too old

import argparse
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-test"
REPORTS = ENVIRONMENT / "reports"
PYTHON = ENVIRONMENT / "bin" / "python"
OLDEST_PYTHON = (3, 11)
SUITE_LIMIT_SECONDS = 1_200
"""A suite that takes longer hangs: it is ended and counts as failed."""

FULLY_COVERED = ("src/rolecall/kernel/*", "src/rolecall/scim/*", "src/rolecall/**/decide.py")
"""Files of which the unit tests must run every branch."""


class SetupError(Exception):
    """Something that the tests need is not there and cannot be put there."""


@dataclass
class Tally:
    """What came of a suite. `failures` names what failed outside pytest."""

    passed: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    def count(self, what: str, *, ok: bool) -> None:
        """Count one thing that passed or failed."""
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            self.failures.append(what)


def prepare() -> None:
    """Create the test environment, or bring it up to date with the lock files."""
    inputs = [ROOT / "pyproject.toml", ROOT / "requirements.lock", ROOT / "requirements-test.lock"]
    digest = hashlib.sha256(sys.version.encode())
    for path in inputs:
        digest.update(path.read_bytes())
    stamp = ENVIRONMENT / "installed"
    if stamp.is_file() and PYTHON.exists() and stamp.read_text("utf-8") == digest.hexdigest():
        return
    if importlib.util.find_spec("ensurepip") is None:
        # Debian keeps the part of Python that makes environments in a package of its own.
        install_debian_packages("python3-venv")
    _must_run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    constraints = ["-c", "requirements.lock", "-c", "requirements-test.lock"]
    _must_run([*pip, *constraints, "--editable", ".[postgres,test]"])
    stamp.write_text(digest.hexdigest(), "utf-8")


def install_debian_packages(*names: str) -> None:
    """Install packages of the operating system.

    Raises: SetupError, naming them, where that is not possible.
    """
    wanted = " ".join(names)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise SetupError(f"Missing: {wanted}. Install it, or run this as root on Debian, which installs it itself.")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    _must_run(["apt-get", "update", "-qq"], quiet)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
    _must_run([*install, *names], quiet)


def run_check() -> Tally:
    """Run everything that reads the code without running it."""
    tally = Tally()
    for name, arguments in {
        "ruff check": ["ruff", "check"],
        "ruff format": ["ruff", "format", "--check"],
        "mypy": ["mypy"],
        "import contracts": ["lint-imports"],
        "reference pages": ["python", "-m", "tools.make_reference", "--check"],
    }.items():
        print(f"-- {name}", flush=True)
        program = str(ENVIRONMENT / "bin" / arguments[0])
        tally.count(name, ok=_run([program, *arguments[1:]]) == 0)
    return tally


def run_unit() -> Tally:
    """Run the fast tests, and see that they run every branch of the rules and the languages."""
    coverage = [str(PYTHON), "-m", "coverage"]
    _run([*coverage, "erase"])
    tally = run_pytest("unit", ["-n", "2"], [*coverage, "run", "-m"])
    _run([*coverage, "combine", "--quiet"])
    print("-- branches not run by unit tests", flush=True)
    report = [*coverage, "report", "--fail-under=100", "--include", ",".join(FULLY_COVERED)]
    tally.count("every branch of kernel, scim and decide.py", ok=_run(report) == 0)
    return tally


def run_browser() -> Tally:
    """Run the user's goals in Debian's Chromium."""
    if shutil.which("chromium") is None:
        install_debian_packages("chromium")
    return run_pytest("browser")


def run_conformance() -> Tally:
    """Run the judges, and write down what they say of each clause of the standards."""
    if shutil.which("npm") is None:
        install_debian_packages("nodejs", "npm")
    # A file's tests share one served product, so they stay with one worker.
    tally = run_pytest("conformance", ["-n", "2", "--dist", "loadfile"])
    tally.count("report by clause", ok=_run([str(PYTHON), "-m", "tools.make_conformance_report"]) == 0)
    return tally


def run_pytest(suite: str, options: Sequence[str] = (), launcher: Sequence[str] | None = None) -> Tally:
    """Run the tests of one folder. No test at all is a failure, and so is a process that ends badly."""
    report = REPORTS / f"{suite}.xml"
    report.unlink(missing_ok=True)
    report.parent.mkdir(parents=True, exist_ok=True)
    start = launcher or [str(PYTHON), "-m"]
    status = _run([*start, "pytest", f"tests/{suite}", f"--junitxml={report}", *options])
    tally = _read_report(report)
    if status != 0 and tally.failed == 0:
        tally.count(f"pytest ended with exit code {status}", ok=False)
    elif tally.passed + tally.failed == 0:
        tally.count("no test ran", ok=False)
    return tally


SUITES: Mapping[str, Callable[[], Tally]] = {
    "check": run_check,
    "unit": run_unit,
    "architecture": lambda: run_pytest("architecture", ["-n", "2"]),
    "contract": lambda: run_pytest("contract", ["-n", "2"]),
    "conformance": run_conformance,
    "docs": lambda: run_pytest("docs", ["-n", "2"]),
    "browser": run_browser,
}


def main() -> int:
    """Run the suites named on the command line, or all, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="*", metavar="suite", help=f"run only these: {', '.join(SUITES)}")
    parser.add_argument("--prepare", action="store_true", help="only set up what the tests need")
    arguments = parser.parse_args()
    wanted = arguments.suite or list(SUITES)
    if unknown := set(wanted) - set(SUITES):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    if sys.version_info < OLDEST_PYTHON:
        print(f"This needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    # A plain end (and not only Ctrl-C) also ends what is running below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    started = time.monotonic()
    try:
        prepare()
    except SetupError as error:
        print(error, file=sys.stderr)
        print("0 passed, 1 failed")
        return 1
    print(f"Test environment ready after {time.monotonic() - started:.0f} s.", flush=True)
    if arguments.prepare:
        return 0
    results = {name: _run_suite(name) for name in SUITES if name in wanted}
    return _summarise(results, time.monotonic() - started)


def _run_suite(name: str) -> tuple[Tally, float]:
    print(f"\n==== {name} ====", flush=True)
    started = time.monotonic()
    try:
        tally = SUITES[name]()
    except SetupError as error:
        print(error, file=sys.stderr)
        tally = Tally(failed=1, failures=[str(error)])
    seconds = time.monotonic() - started
    print(f"==== {name}: {tally.passed} passed, {tally.failed} failed in {seconds:.0f} s", flush=True)
    return tally, seconds


def _summarise(results: Mapping[str, tuple[Tally, float]], seconds: float) -> int:
    print(f"\n{'suite':<14}{'passed':>8}{'failed':>8}{'seconds':>9}")
    for name, (tally, taken) in results.items():
        print(f"{name:<14}{tally.passed:>8}{tally.failed:>8}{taken:>9.0f}")
        for failure in tally.failures:
            print(f"  failed: {failure}")
    print(f"{'in all, with set-up':<30}{seconds:>9.0f}\n")
    passed = sum(tally.passed for tally, _ in results.values())
    failed = sum(tally.failed for tally, _ in results.values())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _read_report(path: Path) -> Tally:
    if not path.is_file():
        return Tally()
    tally = Tally()
    for case in ET.parse(path).getroot().iter("testcase"):  # noqa: S314  # our own pytest wrote it
        # tests/conftest.py turns skips into failures; one that slips through counts as one all the same.
        bad = any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
        if bad:
            tally.failed += 1
        else:
            tally.passed += 1
    return tally


def _must_run(command: Sequence[str], extra: Mapping[str, str] | None = None) -> None:
    status = _run(command, extra)
    if status != 0:
        raise SetupError(f"Set-up failed: `{' '.join(command)}` ended with exit code {status}.")


def _run(command: Sequence[str], extra: Mapping[str, str] | None = None) -> int:
    """Run a command in the repository and return its exit code; one that hangs is ended with its children."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ROLECALL_"))}
    environment = {**inherited, "PATH": f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}", **(extra or {})}
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            return process.wait(SUITE_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"Ended after {SUITE_LIMIT_SECONDS} s: {' '.join(command)}", file=sys.stderr, flush=True)
            return 1
        finally:
            # Whatever the command has left running ends with it, also when this script is interrupted.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
