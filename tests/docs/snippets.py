"""Which blocks of a document are to be run, and how?

An HTML comment on the line above a block says so; readers do not see it:

- `<!-- run -->`: run the block with bash; it must succeed.
- `<!-- run background -->`: start it, and go on as soon as something listens on its port.
- `<!-- output -->`: these lines stood, in this order, in the output of the block before; `…` stands for anything.

Every block of one document runs in one folder, a fresh copy of the repository, and keeps the variables of the
blocks before. The port 8080 is replaced by a free one, so that a server on this machine is not in the way.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LISTEN_SECONDS = 300
"""A background block may have to install everything before it listens."""
RUN_SECONDS = 300
OUTPUT_SECONDS = 10
"""A background block may say something only after it listens."""
WRITTEN_PORT = "8080"
MARKS = ("run", "run background", "output")

_OURS = ("PYTHON", "ROLECALL_", "VIRTUAL_ENV", "COVERAGE_")
_MARK = re.compile(r"<!--\s*(?P<mark>[a-z ]+?)\s*-->")
_FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w-]*)")


class SnippetError(Exception):
    """A document is malformed, or a block did not do what the document says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A fenced block, the line on which it starts, and the mark above it."""

    line: int
    language: str
    text: str
    mark: str | None


def parse_snippets(document: str) -> list[Snippet]:
    """Return the fenced blocks of a Markdown document, in its order.

    Raises: SnippetError for a block without end, and for a mark without block.
    """
    snippets: list[Snippet] = []
    lines = iter(enumerate(document.splitlines(), start=1))
    mark: str | None = None
    for number, line in lines:
        if found := _MARK.fullmatch(line.strip()):
            _require(mark is None, number, "a mark must stand directly above its block")
            mark = found["mark"] if found["mark"] in MARKS else None
        elif opening := _FENCE.match(line):
            text = _read_block(lines, number, opening["indent"], opening["fence"])
            snippets.append(Snippet(line=number, language=opening["language"], text=text, mark=mark))
            mark = None
        else:
            _require(mark is None, number, "a mark must stand directly above its block")
    _require(mark is None, number if document else 0, "a mark must stand directly above its block")
    return snippets


def _read_block(lines, start: int, indent: str, fence: str) -> str:
    inside = []
    for _, line in lines:
        if line.strip() == fence:
            return "".join(f"{text}\n" for text in inside)
        inside.append(line.removeprefix(indent))
    raise SnippetError(f"line {start}: the block has no end")


def _require(holds: bool, line: int, otherwise: str) -> None:
    if not holds:
        raise SnippetError(f"line {line}: {otherwise}")


def matches_output(wanted: str, output: str) -> bool:
    """Return whether all lines wanted stand in the output, in their order; `…` stands for anything."""
    patterns = [re.escape(line.strip()).replace("…", ".*") for line in wanted.splitlines() if line.strip()]
    lines = iter(output.splitlines())
    return all(any(re.fullmatch(pattern, line.strip()) for line in lines) for pattern in patterns)


class Session:
    """Runs the blocks of one document after another, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = folder.parent / "state.sh"
        self._state.write_text("", "utf-8")
        self._background: list[subprocess.Popen[bytes]] = []
        self._log = folder.parent / "background.log"
        self.port = free_port()
        self.output = ""
        self._talks_on = False

    def run(self, snippet: Snippet) -> None:
        """Do with a block what its mark says.

        Raises: SnippetError when it does not do what the document says.
        """
        match snippet.mark:
            case "run":
                self._run(snippet)
            case "run background":
                self._start(snippet)
            case "output":
                self._expect(snippet)

    def close(self) -> None:
        """End what runs in the background."""
        for process in self._background:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _expect(self, snippet: Snippet) -> None:
        wanted = snippet.text.replace(WRITTEN_PORT, str(self.port))
        deadline = time.monotonic() + OUTPUT_SECONDS
        while not matches_output(wanted, self.output):
            if not self._talks_on or time.monotonic() > deadline:
                raise SnippetError(f"line {snippet.line}: the output before was\n{self.output}")
            time.sleep(0.2)
            self.output = self._log.read_text("utf-8")

    def _run(self, snippet: Snippet) -> None:
        self._talks_on = False
        script = f"set -a; . {self._state}; set -euo pipefail\n{snippet.text}\nexport -p > {self._state}\n"
        result = subprocess.run(
            self._command(script),
            cwd=self._folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        self.output = result.stdout
        if result.returncode != 0:
            log = self._log.read_text("utf-8") if self._log.exists() else ""
            raise SnippetError(
                f"line {snippet.line}: exit code {result.returncode}\n{snippet.text}\n{result.stdout}\n{log}"
            )

    def _start(self, snippet: Snippet) -> None:
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                self._command(f"set -a; . {self._state}; set -euo pipefail\n{snippet.text}"),
                cwd=self._folder,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._background.append(process)
        deadline = time.monotonic() + LISTEN_SECONDS
        while not is_listening(self.port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SnippetError(
                    f"line {snippet.line}: nothing listens on port {self.port}\n{self._log.read_text('utf-8')}"
                )
            time.sleep(0.2)
        self.output = self._log.read_text("utf-8")
        self._talks_on = True

    def _command(self, script: str) -> list[str]:
        return ["bash", "-c", script.replace(WRITTEN_PORT, str(self.port))]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        # A reader has not activated the environment that these tests run in: neither its Python nor its `rolecall`.
        own = str(Path(sys.prefix) / "bin")
        path = os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if folder != own)
        return {**kept, "PATH": path, "ROLECALL_PORT": str(self.port)}


def is_listening(port: int) -> bool:
    """Return whether something accepts connections on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port of this machine on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
