"""A backup brings back everything, from either database into either."""

import stat
import threading
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from rolecall import main
from rolecall.authentication.actors import authenticate
from rolecall.authentication.api_keys import create_api_key
from rolecall.authorization.actor import COMMAND_LINE
from rolecall.authorization.roles import ADMIN
from rolecall.cli.admin.backup import restore
from rolecall.directory.assignments import assign_role
from rolecall.directory.model import ListRequest
from rolecall.directory.users import create_local_user, create_service_user, get_user_by_name, list_all_users
from rolecall.events.log import list_events
from rolecall.migrations import migrate
from rolecall.settings import Settings
from rolecall.storage.backup import (
    BackupExists,
    BadBackup,
    DatabaseNotEmpty,
    NothingToBackUp,
    check_backup,
    is_empty,
    load_backup,
    write_backup,
)
from tests.make.databases import KINDS, fresh_database

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVERYBODY = ListRequest(where=None, sort_by=None, descending=False, skip=0, limit=1000)


@pytest.fixture(params=KINDS)
def target(request):
    with fresh_database(request.param, lambda: request.getfixturevalue("postgresql")) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def good_backup(tmp_path_factory):
    file = tmp_path_factory.mktemp("good") / "good.zip"
    with fresh_database("sqlite", lambda: None) as source:
        fill(source)
        write_backup(source.url, file, now=NOW)
    return file


@contextmanager
def opened(database):
    rolecall = main.build(Settings(database_url=database.url))
    try:
        yield rolecall.transactions
    finally:
        main.close(rolecall)


def fill(database):
    """Make an administrator with a key, a service user, and names of every kind; return the key."""

    def change(tx):
        ada = create_local_user(
            tx,
            user_name="ada",
            given_name="Ada",
            family_name="Łovelace 🦊",
            display_name="Quote ' \" \\ and\nnewline\u2028",
            email="ada@example.com",
        )
        assign_role(tx, ada.id, role=ADMIN)
        create_service_user(tx, user_name="machine")
        return create_api_key(tx, user_id=ada.id, name="key", role=None).secret

    migrate.upgrade(database.url)
    with opened(database) as transactions:
        return transactions.run_write(COMMAND_LINE, change)


def content(database):
    with opened(database) as transactions:
        users = transactions.run_read(COMMAND_LINE, lambda tx: list_all_users(tx, EVERYBODY))
        events = transactions.run_read(COMMAND_LINE, lambda tx: list_events(tx, limit=1000, before=None))
    return users, events


def restored(file, database):
    restore(file, data_dir=file.parent / "data", database_url=database.url)


def altered(source, file, alter):
    """Copy an archive; `alter` gets name and bytes of each member and returns other bytes, or None to leave it out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            body = alter(name, old.read(name))
            if body is not None:
                new.writestr(name, body)
    return file


def test_what_was_saved_comes_back_in_either_kind_of_database(database, target, tmp_path):
    key = fill(database)
    write_backup(database.url, tmp_path / "b.zip", now=NOW)
    restored(tmp_path / "b.zip", target)
    assert content(target) == content(database)
    with opened(target) as transactions:
        assert transactions.run_read(COMMAND_LINE, lambda tx: authenticate(tx, key)).actor.user_name == "ada"


def test_a_backup_of_what_was_restored_has_the_same_rows_and_hashes(database, target, tmp_path):
    fill(database)
    first = write_backup(database.url, tmp_path / "1.zip", now=NOW)
    restored(tmp_path / "1.zip", target)
    second = write_backup(target.url, tmp_path / "2.zip", now=NOW)
    as_rows = [{table.name: table.rows for table in manifest.tables} for manifest in (first, second)]
    assert as_rows[0] == as_rows[1]
    assert rows_of(tmp_path / "1.zip") == rows_of(tmp_path / "2.zip")


def rows_of(file):
    with zipfile.ZipFile(file) as archive:
        columns = {table["name"]: table["columns"] for table in orjson.loads(archive.read("manifest.json"))["tables"]}
        return {
            name: [dict(zip(columns[name], orjson.loads(line), strict=True)) for line in lines_of(archive, name)]
            for name in columns
        }


def lines_of(archive, table):
    return archive.read(f"tables/{table}.jsonl").splitlines()


def test_after_a_restore_new_events_are_numbered_on(database, tmp_path, target):
    fill(database)
    write_backup(database.url, tmp_path / "b.zip", now=NOW)
    restored(tmp_path / "b.zip", target)
    before = [event.sequence for event in content(target)[1]]
    with opened(target) as transactions:
        transactions.run_write(COMMAND_LINE, lambda tx: create_service_user(tx, user_name="newcomer"))
    after = [event.sequence for event in content(target)[1]]
    assert after[1:] == before
    assert after[0] > before[0]


def test_a_backup_holds_no_usable_secret_and_is_for_its_owner_alone(database, tmp_path):
    key = fill(database)
    file = tmp_path / "b.zip"
    write_backup(database.url, file, now=NOW)
    with zipfile.ZipFile(file) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert key[4:16].encode() in everything
    assert key[16:].encode() not in everything
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_backup_made_while_changes_come_in_has_each_of_them_whole_or_not_at_all(database, tmp_path):
    fill(database)
    stop = threading.Event()

    def change_on_and_on():
        with opened(database) as transactions:
            n = 0
            while not stop.is_set():
                transactions.run_write(COMMAND_LINE, lambda tx, n=n: create_service_user(tx, user_name=f"u{n}"))
                n += 1

    changing = threading.Thread(target=change_on_and_on)
    changing.start()
    try:
        for n in range(3):
            write_backup(database.url, tmp_path / f"{n}.zip", now=NOW)
    finally:
        stop.set()
        changing.join()
    for n in range(3):
        rows = rows_of(tmp_path / f"{n}.zip")
        created = {event["subject_id"] for event in rows["event"] if event["type"] == "directory.user.created"}
        assert {user["id"] for user in rows["directory_user"]} == created


def test_a_file_that_is_there_is_never_overwritten(database, tmp_path):
    fill(database)
    file = tmp_path / "b.zip"
    file.write_text("precious")
    with pytest.raises(BackupExists):
        write_backup(database.url, file, now=NOW)
    assert file.read_text() == "precious"


def test_a_backup_that_fails_leaves_nothing_behind(database, tmp_path):
    with pytest.raises(NothingToBackUp):
        write_backup(database.url, tmp_path / "b.zip", now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_restored_over_what_is_there(database, target, tmp_path):
    fill(database)
    fill(target)
    before = content(target)
    write_backup(database.url, tmp_path / "b.zip", now=NOW)
    with pytest.raises(DatabaseNotEmpty):
        restored(tmp_path / "b.zip", target)
    assert content(target) == before


def swap_a_letter(name, body):
    return body.replace(b"ada@example.com", b"eve@example.com") if name.endswith("user_email.jsonl") else body


def drop_a_row(name, body):
    return b"".join(body.splitlines(keepends=True)[1:]) if name.endswith("directory_user.jsonl") else body


def drop_a_table(name, body):
    return None if name.endswith("assignment.jsonl") else body


def drop_the_manifest(name, body):
    return None if name == "manifest.json" else body


def raise_the_format(name, body):
    return orjson.dumps({**orjson.loads(body), "format": 2}) if name == "manifest.json" else body


def name_another_revision(name, body):
    return orjson.dumps({**orjson.loads(body), "revision": "9999"}) if name == "manifest.json" else body


def break_the_manifest(name, body):
    return body[:-5] if name == "manifest.json" else body


@pytest.mark.parametrize(
    "damage",
    [
        swap_a_letter,
        drop_a_row,
        drop_a_table,
        drop_the_manifest,
        raise_the_format,
        name_another_revision,
        break_the_manifest,
    ],
)
def test_a_damaged_or_unknown_backup_is_refused_and_the_database_stays_empty(good_backup, database, tmp_path, damage):
    file = altered(good_backup, tmp_path / "bad.zip", damage)
    with pytest.raises(BadBackup):
        restored(file, database)
    assert is_empty(database.url)


def cut(body):
    return body[:-100]


def overwritten(body):
    return b"not a zip" + bytes(len(body))


def flipped(body):
    """Flip the bits of a byte that is neither in a header nor at the end."""
    place = body.index(b"tables/directory_user.jsonl") + 100
    return body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]


@pytest.mark.parametrize("spoil", [cut, overwritten, flipped])
def test_a_file_that_was_cut_or_altered_is_refused(good_backup, tmp_path, spoil):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(spoil(good_backup.read_bytes()))
    with pytest.raises(BadBackup):
        check_backup(bad)


def test_a_missing_file_is_no_backup(tmp_path):
    with pytest.raises(BadBackup, match="cannot be read"):
        check_backup(tmp_path / "missing.zip")


def test_a_backup_that_changes_between_check_and_load_changes_nothing(good_backup, database, tmp_path):
    bad = altered(good_backup, tmp_path / "bad.zip", swap_a_letter)
    key = fill(database)
    before = content(database)
    with pytest.raises(BadBackup):
        load_backup(database.url, bad)
    assert content(database) == before
    with opened(database) as transactions:
        assert transactions.run_read(COMMAND_LINE, lambda tx: authenticate(tx, key)).actor.user_name == "ada"


def test_tables_that_are_not_as_the_backup_has_them_are_left_alone(good_backup, database, tmp_path):
    def rename_a_column(name, body):
        return body.replace(b'"user_name_key"', b'"another_name"') if name == "manifest.json" else body

    bad = altered(good_backup, tmp_path / "bad.zip", rename_a_column)
    fill(database)
    with pytest.raises(BadBackup, match="directory_user"):
        load_backup(database.url, bad)
    with opened(database) as transactions:
        assert transactions.run_read(COMMAND_LINE, lambda tx: get_user_by_name(tx, "ada"))


def test_a_database_that_does_not_exist_is_empty_and_asking_does_not_make_it(tmp_path):
    path = Path(tmp_path) / "none.sqlite3"
    assert is_empty(f"sqlite:///{path}")
    assert not path.exists()
