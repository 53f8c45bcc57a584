"""How does a test get hold of the product as people run it: a process that answers on a port?"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from tests.make.databases import SQLITE, Database

START_SECONDS = 30.0
STOP_SECONDS = 15.0
COMMAND_SECONDS = 60.0
SOURCE = Path(__file__).resolve().parents[2] / "src"
START = "from rolecall.cli.app import main; main()"


@dataclass(slots=True, kw_only=True)
class Served:
    """One installation: a database, a data directory, a port, and the process that may be running on them."""

    database: Database
    data_dir: Path
    log: Path
    """What the process writes to its standard output and error."""
    port: int
    api_key: str = field(default="", repr=False)
    """Of the service user that `scim-setup` made; empty before `set_up_scim`."""
    base_url: str = ""
    """Of SCIM, as `scim-setup` printed it; empty before `set_up_scim`."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of `serve` besides those, by the names of their environment variables."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and wait until it says that it is ready."""
        command = [*rolecall_command(), "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.storage_options()],
                env={**environment(), **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_ready(self.process)

    def stop(self) -> None:
        """Ask the process to end, as a service manager does, and wait for it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise AssertionError(f"serve did not end within {STOP_SECONDS} s after SIGTERM:\n{self.output()}") from late
        self.process = None

    def kill(self) -> None:
        """End the process at once, with no chance to tidy up (`kill -9`)."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)
        self.process = None

    def set_up_scim(self) -> None:
        """Run the documented one-step set-up and keep the base URL and the key that it prints."""
        answer = self.run_json("admin", "scim-setup", *self.storage_options(), "--json")
        self.base_url, self.api_key = answer["base_url"], answer["api_key"]

    def client(self, api_key: str | None = None) -> httpx2.Client:
        """Return a client for SCIM with a key: the one of `scim-setup` unless another is given, "" for none."""
        key = self.api_key if api_key is None else api_key
        return httpx2.Client(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=30.0,
            trust_env=False,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `rolecall` on this installation and return what came of it, whatever the exit code."""
        return subprocess.run(
            [*rolecall_command(), *arguments],
            env={**environment(), **self.settings, **self.storage_environment()},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def run_text(self, *arguments: str) -> str:
        """Run `rolecall` on this installation, see it succeed, and return what it printed."""
        finished = self.run(*arguments)
        assert finished.returncode == 0, f"rolecall {' '.join(arguments)}: {finished.stdout}\n{finished.stderr}"
        return finished.stdout

    def run_json(self, *arguments: str) -> dict[str, str]:
        """As `run_text`, for commands that print one JSON object."""
        answer = json.loads(self.run_text(*arguments))
        assert isinstance(answer, dict)
        return answer

    def storage_options(self) -> list[str]:
        """Return the options that name this installation on the command line."""
        chosen = ["--data-dir", str(self.data_dir)]
        if self.database.kind == SQLITE:
            return chosen
        return [*chosen, "--database-url", self.database.plain_url]

    def storage_environment(self) -> dict[str, str]:
        """Return the variables that name this installation, as an alternative to the options."""
        chosen = {"ROLECALL_DATA_DIR": str(self.data_dir)}
        if self.database.kind != SQLITE:
            chosen["ROLECALL_DATABASE_URL"] = self.database.plain_url
        return chosen

    def output(self) -> str:
        """Return what the process wrote, for the message of a failing test."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        with httpx2.Client(timeout=2.0, trust_env=False) as client:
            while time.monotonic() < deadline:
                assert process.poll() is None, f"serve ended with {process.returncode}:\n{self.output()}"
                try:
                    if client.get(f"{self.url}/readyz").status_code == httpx2.codes.OK:
                        return
                except httpx2.TransportError:
                    pass
                time.sleep(0.05)
        raise AssertionError(f"serve was not ready within {START_SECONDS} s:\n{self.output()}")


@contextmanager
def serve(database: Database, *, scim: bool = True, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Serve an installation on a free port for as long as the block lasts, set up for SCIM unless told otherwise."""
    with tempfile.TemporaryDirectory(prefix="rolecall-") as directory:
        # SQLite is reached as most people reach it: by the data directory alone.
        data_dir = database.directory or Path(directory) / "data"
        served = Served(
            database=database,
            data_dir=data_dir,
            log=Path(directory) / "serve.log",
            port=free_port(),
            settings=settings or {},
        )
        try:
            served.start()
            if scim:
                served.set_up_scim()
            yield served
        finally:
            served.kill()


def free_port() -> int:
    """Return a loopback port on which nothing listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rolecall_command() -> Sequence[str]:
    """Return how to start `rolecall`: the console script beside this interpreter, or the source when there is none."""
    script = Path(sys.executable).with_name("rolecall")
    if script.exists():
        return [str(script)]
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r}); {START}"]


def environment() -> dict[str, str]:
    """Return this process's environment without settings of Rolecall."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
