import json
import logging
import os
from dataclasses import dataclass

import pytest

from rolecall import main as wiring
from rolecall.authentication.setup_links import redeem_setup_link
from rolecall.authorization.actor import SYSTEM
from rolecall.cli.app import main
from rolecall.settings import Settings


@dataclass
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def rolecall(tmp_path, capsys, monkeypatch):
    """Run a command on an installation of this test's own: `rolecall("admin", "users", "list")`."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ROLECALL_{name.upper()}", raising=False)
    monkeypatch.setenv("ROLECALL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    root = logging.getLogger()
    handlers, level, mask = root.handlers[:], root.level, os.umask(0o022)

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)
    os.umask(mask)


@pytest.fixture
def on_installation(tmp_path):
    """Run something on the installation that commands see."""

    def run(change):
        rolecall = wiring.build(Settings(data_dir=tmp_path / "data"))
        try:
            return rolecall.transactions.run_write(SYSTEM, change)
        finally:
            wiring.close(rolecall)

    return run


@pytest.fixture
def ada(rolecall, on_installation):
    """Let Ada be the first administrator."""
    token = rolecall("admin", "setup-link", "--json").json["setup_url"].partition("token=")[2]
    person = {"given_name": "Ada", "family_name": "L", "display_name": "Ada L", "email": "ada@example.com"}
    return on_installation(lambda tx: redeem_setup_link(tx, token, user_name="ada", **person))
