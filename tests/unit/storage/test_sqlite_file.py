import sqlite3

import pytest

from rolecall.storage.sqlite_file import examine


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a file?.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    connection.execute("CREATE TABLE child (parent_id INTEGER REFERENCES parent (id), filler TEXT)")
    connection.executemany("INSERT INTO child VALUES (NULL, ?)", [("x" * 500,)] * 100)
    connection.commit()
    yield path, connection
    connection.close()


def test_an_intact_file_shows_no_damage_also_while_it_is_written_to(file):
    path, connection = file
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO child VALUES (NULL, 'y')")
    found = examine(path)
    assert (found.damage, found.journal_mode, found.dangling_rows) == (None, "wal", 0)


def test_an_overwritten_page_is_damage(file):
    path, connection = file
    connection.close()
    body = bytearray(path.read_bytes())
    body[4096:12288] = b"\xff" * 8192
    path.write_bytes(body)
    assert examine(path).damage


def test_a_file_that_is_no_database_is_damage(tmp_path):
    (tmp_path / "x").write_text("no database" * 1000)
    assert examine(tmp_path / "x").damage == "file is not a database"


def test_a_missing_file_is_damage_and_is_not_made(tmp_path):
    assert examine(tmp_path / "x").damage
    assert not (tmp_path / "x").exists()


def test_another_journal_mode_is_told(file):
    path, connection = file
    connection.execute("PRAGMA journal_mode=DELETE")
    assert examine(path).journal_mode == "delete"


def test_rows_that_refer_to_nothing_are_counted(file):
    path, connection = file
    connection.execute("INSERT INTO child VALUES (7, '')")
    connection.execute("INSERT INTO child VALUES (8, '')")
    connection.commit()
    assert examine(path).dangling_rows == 2
