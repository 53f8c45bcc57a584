"""Does any file of the repository mention what belongs to one machine, or to nobody who clones it?"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Written in parts, so that this file does not mention what it forbids.
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "npm" + "js.org", "index" + "-url ="]
MACHINE_PATHS = ["/wo" + "rk/", "/ro" + "ot/", "/tmp" + "/probe", "/tmp" + "/briefs"]
PRIVATE_FOLDERS = ["design", "reference", "bench", "issues"]
FORBIDDEN = re.compile(
    "|".join(
        [
            *(re.escape(address) for address in REGISTRIES),
            *(rf"(?<![\w.$}}-]){re.escape(path)}" for path in MACHINE_PATHS),
            rf"\bshared/(?:{'|'.join(PRIVATE_FOLDERS)})\b",
        ]
    )
)


def repository_files() -> list[Path]:
    """Return every file that is committed or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def forbidden_mentions(paths: list[Path]) -> list[str]:
    """Return each line, as `file:line: text`, that mentions what no file may mention. Binary files say nothing."""
    found = []
    for path in paths:
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if match := FORBIDDEN.search(line):
                found.append(f"{path}:{number}: {match.group()}")
    return found


def test_no_file_mentions_one_machine_or_a_registry():
    files = repository_files()
    assert len(files) > 20
    assert forbidden_mentions(files) == []


@pytest.mark.parametrize(
    "text",
    [
        f"see {MACHINE_PATHS[0]}main/src",
        f"#!{MACHINE_PATHS[2]}/bin/python",
        f"https://{REGISTRIES[0]}/project/x",
        "as in ../shar" + "ed/design/house.md",
    ],
)
def test_a_planted_mention_is_noticed(tmp_path, text):
    sample = tmp_path / "sample.md"
    sample.write_text(f"fine\n{text}\n", "utf-8")
    [found] = forbidden_mentions([sample])
    assert found.startswith(f"{sample}:2: ")


def test_likely_words_are_not_taken_for_a_mention(tmp_path):
    sample = tmp_path / "sample.md"
    sample.write_text("shared/exclusive locks; ./work/dir; ${base}/work/x; a shared reference\n", "utf-8")
    assert forbidden_mentions([sample]) == []
