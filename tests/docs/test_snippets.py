"""Does every command that a document shows do what the document says?"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.snippets import Session, Snippet, SnippetError, is_listening, matches_output, parse_snippets

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RUN = [path for path in DOCUMENTS if any(snippet.mark for snippet in parse_snippets(path.read_text("utf-8")))]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture
def clone(tmp_path):
    """A folder with every file that a clone of the repository would have, uncommitted changes included."""
    folder = tmp_path / "rolecall"
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def session(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    session = Session(folder)
    yield session
    session.close()


def run_all(session: Session, document: str) -> None:
    for snippet in parse_snippets(document):
        session.run(snippet)


@pytest.mark.parametrize("path", RUN, ids=named)
def test_every_marked_block_of_the_document_does_what_it_says(path, clone):
    session = Session(clone)
    try:
        run_all(session, path.read_text("utf-8"))
    finally:
        session.close()


def test_the_readme_and_a_tutorial_are_among_the_documents_that_run():
    names = [named(path) for path in RUN]
    assert "README.md" in names
    assert any(name.startswith("docs/tutorial/") for name in names)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_python_block_of_the_document_compiles(path):
    for snippet in parse_snippets(path.read_text("utf-8")):
        if snippet.language == "python":
            compile(snippet.text, f"{named(path)}:{snippet.line}", "exec")


def test_blocks_are_found_with_their_marks_and_without_their_indent():
    document = "# T\n\n<!-- run -->\n```sh\necho 1\n```\n\n1. item\n\n   <!-- output -->\n   ```text\n   a\n   ```\n"
    assert parse_snippets(document) == [
        Snippet(line=4, language="sh", text="echo 1\n", mark="run"),
        Snippet(line=11, language="text", text="a\n", mark="output"),
    ]


def test_a_comment_that_is_no_mark_marks_nothing():
    assert parse_snippets("<!-- note -->\n```sh\nfalse\n```\n")[0].mark is None


@pytest.mark.parametrize(
    "document", ["```sh\necho\n", "<!-- run -->\n\n```sh\n```\n", "<!-- run -->\n", "<!-- run -->"]
)
def test_a_block_without_end_and_a_mark_without_block_are_noticed(document):
    with pytest.raises(SnippetError):
        parse_snippets(document)


def test_a_block_that_fails_is_noticed(session):
    with pytest.raises(SnippetError, match=r"line 2: exit code 1"):
        run_all(session, "<!-- run -->\n```sh\nfalse\necho never\n```\n")


def test_a_failure_inside_a_pipe_is_noticed(session):
    with pytest.raises(SnippetError, match=r"exit code 1"):
        run_all(session, "<!-- run -->\n```sh\nfalse | cat\n```\n")


def test_a_block_keeps_the_variables_and_files_of_the_blocks_before(session):
    run_all(
        session,
        "<!-- run -->\n```sh\nKEY='a b'\necho c > file\n```\n"
        '<!-- run -->\n```sh\necho "$KEY"; cat file\n```\n'
        "<!-- output -->\n```text\na b\nc\n```\n",
    )


def test_a_block_finds_no_more_than_a_reader_has_installed(session):
    run_all(session, '<!-- run -->\n```sh\necho "$PATH"\n```\n')
    assert str(Path(sys.prefix) / "bin") not in session.output.strip().split(os.pathsep)


def test_an_output_that_differs_is_noticed(session):
    with pytest.raises(SnippetError, match="the output before was\nb"):
        run_all(session, "<!-- run -->\n```sh\necho b\n```\n<!-- output -->\n```text\na\n```\n")


def test_an_output_may_leave_out_lines_and_parts_of_lines():
    output = "first\nkey: 12345 (new)\nlast\n"
    assert matches_output("first\nlast\n", output)
    assert matches_output("key: … (new)\n", output)
    assert not matches_output("last\nfirst\n", output)
    assert not matches_output("key: … (old)\n", output)
    assert not matches_output("irst\n", output)


def test_a_background_block_is_awaited_used_and_ended(tmp_path):
    session = Session(tmp_path)
    document = (
        "<!-- run background -->\n```sh\nsleep 0.3; exec python3 -m http.server 8080 --bind 127.0.0.1\n```\n"
        "<!-- run -->\n```sh\npython3 -c 'import urllib.request as r; r.urlopen(\"http://127.0.0.1:8080\")'\n```\n"
    )
    try:
        run_all(session, document)
        assert is_listening(session.port)
    finally:
        session.close()
    assert not is_listening(session.port)


def test_a_background_block_may_say_something_after_it_listens(session):
    server = "python3 -m http.server 8080 --bind 127.0.0.1 & sleep 1; echo ready at 8080; wait"
    run_all(session, f"<!-- run background -->\n```sh\n{server}\n```\n<!-- output -->\n```text\nready at 8080\n```\n")


def test_a_background_block_that_ends_at_once_is_noticed(session):
    with pytest.raises(SnippetError, match=r"nothing listens on port \d+\nwhy not"):
        run_all(session, "<!-- run background -->\n```sh\necho why not; false\n```\n")
