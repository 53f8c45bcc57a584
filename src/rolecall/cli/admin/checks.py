"""What can be wrong with an installation, and what is then to be done?"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rolecall.cli.certificate import KEY_FILE
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.errors import DomainError
from rolecall.settings import is_loopback_url, unknown_variables
from rolecall.storage.secrets import FILE as RING_FILE

if TYPE_CHECKING:
    from rolecall.authentication.model import ApiKey
    from rolecall.directory.installation import Installation
    from rolecall.directory.model import User
    from rolecall.settings import Settings
    from rolecall.storage.secrets import KeyRing

_OTHERS: Final = 0o077
_MEBIBYTE: Final = 1024 * 1024
_LITTLE_SPACE: Final = 1024 * _MEBIBYTE
_NO_SPACE: Final = 100 * _MEBIBYTE
_SOON: Final = timedelta(days=14)
_CLOCK_SLACK: Final = timedelta(minutes=1)


class Verdict(Enum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """Works, but will not always."""
    PROBLEM = "problem"
    """Does not work, or is not safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, what was found, and what to do about it."""

    subject: str
    verdict: Verdict
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the database tells about the installation."""

    installation: "Installation"
    administrators: int
    break_glass: "User | None"
    keys: "tuple[ApiKey, ...]"
    newest_record_at: datetime | None


def ok(subject: str, found: str) -> Check:
    """Return a check that found nothing to do."""
    return Check(subject=subject, verdict=Verdict.OK, found=found)


def warning(subject: str, found: str, advice: str) -> Check:
    """Return a check that found something to better."""
    return Check(subject=subject, verdict=Verdict.WARNING, found=found, advice=advice)


def problem(subject: str, found: str, advice: str) -> Check:
    """Return a check that found something wrong."""
    return Check(subject=subject, verdict=Verdict.PROBLEM, found=found, advice=advice)


def check_variables(environment: Mapping[str, str]) -> Iterator[Check]:
    """Look for mistyped variables."""
    for sentence in unknown_variables(environment):
        yield warning("environment", sentence, "Correct or remove it.")


def check_files(settings: "Settings") -> Iterator[Check]:
    """Look at the data directory and at private keys."""
    directory = settings.data_dir
    if not directory.is_dir():
        # With PostgreSQL there may be nothing to keep in files, or it is kept on another machine.
        if settings.sqlite_path is None:
            return
        yield problem("data directory", f"{directory} does not exist.", "Name it with --data-dir, or start once.")
        return
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        yield problem("data directory", f"{directory} cannot be written to.", "Give it to the user that runs Rolecall.")
    elif directory.stat().st_mode & _OTHERS:
        yield warning("data directory", f"Others can read {directory}.", f"Run: chmod 700 {directory}")
    else:
        yield ok("data directory", f"{directory} is for its owner alone.")
    for key in (directory / KEY_FILE, directory / RING_FILE, settings.tls_key):
        if key is not None and key.exists():
            yield _check_private(key)
    yield _check_space(shutil.disk_usage(directory).free)


def check_sqlite(path: Path) -> Iterator[Check]:
    """Look for damage in the file, and whether it is kept as Rolecall keeps it."""
    from rolecall.storage.sqlite_file import examine

    file = examine(path)
    if file.damage is not None:
        advice = "Stop Rolecall, keep the file, and restore the last backup into a new data directory."
        yield problem("database file", f"{path} is damaged: {file.damage}.", advice)
        return
    yield ok("database file", "It is intact.")
    if file.journal_mode != "wal":
        found = f"Its journal mode is {file.journal_mode}, not WAL."
        yield warning("database file", found, "Start Rolecall: it sets the mode.")
    if file.dangling_rows:
        advice = "Restore the last backup; something other than Rolecall has written to the file."
        yield problem("database rows", f"{file.dangling_rows} rows refer to others that do not exist.", advice)


def check_revision(current: str | None, head: str) -> Check:
    """Compare the tables with what this version needs."""
    if current is None:
        return problem("tables", "The database has no tables of Rolecall.", "Start it once: rolecall serve")
    if current != head:
        found = f"They are at revision {current}; this version of Rolecall needs {head}."
        return problem("tables", found, "Back up, then run: rolecall admin migrate")
    return ok("tables", f"They are at revision {head}.")


def check_keys(keys: "KeyRing", counts: Mapping[str, int]) -> Check:
    """See that every secret in the database can be read. `counts`: how many each key has sealed."""
    try:
        known = keys.key_ids
    except DomainError as error:
        return problem("key ring", error.detail, "Without it no secret can be read.")
    missing = {key_id: count for key_id, count in counts.items() if key_id not in known}
    if missing:
        found = f"{sum(missing.values())} secrets are sealed with keys that it lacks: {', '.join(sorted(missing))}."
        advice = f"Bring back the {keys.path.name} that belongs to this database, or set those secrets anew."
        return problem("key ring", found, advice)
    if not known:
        return ok("key ring", "There is none yet; the next start makes it.")
    return ok("key ring", f"It opens all {sum(counts.values())} secrets; keys: {len(known)}.")


def check_state(state: State, now: datetime) -> Iterator[Check]:
    """Look at what the database tells about the installation."""
    yield _check_administrators(state)
    yield _check_break_glass(state, now)
    yield _check_public_url(state.installation.public_url)
    yield _check_scim(state, now)
    yield from _check_expiry(state, now)
    yield _check_clock(state.newest_record_at, now)


def _check_private(key: Path) -> Check:
    if key.stat().st_mode & _OTHERS:
        return problem("private key", f"Others can read {key}.", f"Run: chmod 600 {key}")
    return ok("private key", f"{key} is for its owner alone.")


def _check_space(free: int) -> Check:
    found = f"{free // _MEBIBYTE} MiB are free where the data directory is."
    if free < _NO_SPACE:
        return problem("disk space", found, "Make room now: without it nothing can be written.")
    if free < _LITTLE_SPACE:
        return warning("disk space", found, "Make room before it is used up.")
    return ok("disk space", found)


def _check_administrators(state: State) -> Check:
    if state.administrators == 0:
        advice = "Make the first one: rolecall admin setup-link. Or: rolecall admin users assign NAME --role admin"
        return problem("administrators", "No active user administers Rolecall.", advice)
    return ok("administrators", f"{state.administrators} active.")


def _check_break_glass(state: State, now: datetime) -> Check:
    user = state.break_glass
    if user is None:
        advice = "Choose an administrator that is a person: rolecall admin users set-break-glass NAME"
        return problem("break-glass user", "There is none: an identity provider could lock everybody out.", advice)
    name = user.user_name
    if not user.profile.get("active", True):
        return problem("break-glass user", f"{name} is deactivated.", f"Run: rolecall admin users reactivate {name}")
    if not any(key.user_id == user.id and key.is_usable(now) for key in state.keys):
        advice = f"Make one and put it away safely: rolecall admin create-key --user-name {name}"
        return warning("break-glass user", f"{name} has no API key that works.", advice)
    return ok("break-glass user", f"{name} can get in.")


def _check_public_url(url: str | None) -> Check:
    if url is None:
        return warning("public URL", "It is not known yet.", "Start once with: rolecall serve --public-url URL")
    if is_loopback_url(url):
        return ok("public URL", f"{url}, which only this machine can reach.")
    if not url.startswith("https://"):
        advice = "Serve HTTPS (--tls-cert, or a reverse proxy) and start with --public-url https://…"
        return problem("public URL", f"{url} is not HTTPS: keys cross the network in clear.", advice)
    return ok("public URL", url)


def _check_scim(state: State, now: datetime) -> Check:
    from rolecall.authorization.roles import SCIM_PROVISIONER

    usable = [key for key in state.keys if key.is_usable(now) and key.role == SCIM_PROVISIONER]
    if not state.installation.scim_enabled:
        return ok("SCIM", "It is off. To turn it on: rolecall admin scim-setup")
    if not usable:
        advice = "Make one for the identity provider: rolecall admin scim-setup"
        return warning("SCIM", "It is on, but no key for an identity provider works.", advice)
    return ok("SCIM", f"It is on; working keys: {len(usable)}.")


def _check_expiry(state: State, now: datetime) -> Iterator[Check]:
    for key in state.keys:
        if key.is_usable(now) and key.expires_at is not None and key.expires_at - now < _SOON:
            found = f"The key {key.id} of {key.user_name} ends at {to_rfc3339(key.expires_at)}."
            yield warning("API keys", found, "Replace it before: rolecall admin create-key")


def _check_clock(newest_record_at: datetime | None, now: datetime) -> Check:
    if newest_record_at is not None and newest_record_at - now > _CLOCK_SLACK:
        found = f"It is {to_rfc3339(now)} here, but the newest audit record is of {to_rfc3339(newest_record_at)}."
        return problem("clock", found, "Set this machine's clock, best by NTP.")
    return ok("clock", f"It is {to_rfc3339(now)}.")
