"""Does the test command tell the truth: is nothing skipped, lost or left running?"""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SKIPPING = """
import pytest

def test_passes():
    pass

@pytest.mark.skip(reason="some day")
def test_is_skipped_by_a_mark():
    pass

def test_skips_itself():
    pytest.skip("not now")

@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail():
    assert False

@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail_and_passes():
    pass
"""


@pytest.fixture
def command(tmp_path):
    """The test command in an otherwise empty repository, with this very Python as its test environment."""
    (tmp_path / "tools").mkdir()
    copy = shutil.copy(ROOT / "tools" / "run_tests.py", tmp_path / "tools")
    spec = importlib.util.spec_from_file_location("copied_run_tests", copy)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.PYTHON = Path(sys.executable)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n", "utf-8")
    yield module
    del sys.modules[spec.name]


def write_tests(command, suite: str, **files: str) -> None:
    """Write the test files of a suite."""
    folder = command.ROOT / "tests" / suite
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, "utf-8")


def test_a_skipped_and_an_expected_failure_count_as_failed(command):
    write_tests(command, "unit", test_sample=SKIPPING)
    shutil.copy(ROOT / "tests" / "no_skips.py", command.ROOT / "tests" / "conftest.py")
    tally = command.run_pytest("unit")
    assert (tally.passed, tally.failed) == (1, 4)


def test_a_module_that_skips_itself_counts_as_failed(command):
    write_tests(command, "unit", test_sample="import pytest\npytest.importorskip('no_such_module')\n")
    shutil.copy(ROOT / "tests" / "no_skips.py", command.ROOT / "tests" / "conftest.py")
    tally = command.run_pytest("unit")
    assert (tally.passed, tally.failed) == (0, 1)


def test_a_skip_counts_as_failed_even_without_the_hook(command):
    write_tests(command, "unit", test_sample=SKIPPING)
    tally = command.run_pytest("unit")
    assert (tally.passed, tally.failed) == (1, 4)


def test_a_suite_without_tests_fails(command):
    write_tests(command, "unit", test_empty="")
    tally = command.run_pytest("unit")
    assert (tally.passed, tally.failed) == (0, 1)
    assert tally.failures == ["pytest ended with exit code 5"]


def test_a_suite_whose_process_dies_fails(command):
    write_tests(command, "unit", test_dies="import os\ndef test_dies():\n    os._exit(0)\n")
    tally = command.run_pytest("unit")
    assert (tally.passed, tally.failed) == (0, 1)


def test_an_earlier_report_is_never_counted_again(command):
    write_tests(command, "unit", test_fine="def test_fine():\n    pass\n")
    assert command.run_pytest("unit").passed == 1
    (command.ROOT / "tests" / "unit" / "test_fine.py").write_text("import os\nos._exit(1)\n", "utf-8")
    tally = command.run_pytest("unit")
    assert (tally.passed, tally.failed) == (0, 1)


def test_the_last_line_says_how_many_passed_and_failed(command, capsys):
    good, bad = command.Tally(passed=3), command.Tally(passed=1, failed=2, failures=["mypy", "ruff check"])
    assert command._summarise({"unit": (good, 1.0), "check": (bad, 2.0)}, 3.0) == 1
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == "4 passed, 2 failed"
    assert "failed: mypy" in output
    assert command._summarise({"unit": (good, 1.0)}, 1.0) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 0 failed"


def test_a_command_that_hangs_is_ended_with_its_children(command):
    command.SUITE_LIMIT_SECONDS = 1
    started = time.monotonic()
    assert command._run(["bash", "-c", "sleep 60 & echo $! > child; wait"]) != 0
    assert time.monotonic() - started < 20
    child = int((command.ROOT / "child").read_text("utf-8"))
    assert not is_running(child)


def test_what_a_command_leaves_running_is_ended(command):
    assert command._run(["bash", "-c", "sleep 60 & echo $! > child"]) == 0
    assert not is_running(int((command.ROOT / "child").read_text("utf-8")))


def is_running(process: int) -> bool:
    """Return whether the process is there, after giving it a moment to end; one that waits to be reaped is not."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    return True


def test_what_cannot_be_installed_is_named(command, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(command.SetupError, match="Missing: chromium"):
        command.install_debian_packages("chromium")


def test_an_unknown_suite_is_refused_with_the_names_of_all():
    result = subprocess.run(
        [sys.executable, "tools/run_tests.py", "unti"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "no such suite: unti; there are check, unit, " in result.stderr


def test_every_folder_of_tests_is_run_by_some_suite(command):
    kept_for_others = {"architecture", "fixtures", "make", "__pycache__"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - kept_for_others
    assert folders <= set(command.SUITES)


def test_make_alone_lists_every_target():
    result = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in result.stdout.splitlines()}
    assert listed >= {"check", "test", "conformance", "bench", "serve", "docs", "lock", "format"}


def test_continuous_integration_runs_exactly_the_test_command():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text("utf-8").splitlines()[-1] == "exec make test"
