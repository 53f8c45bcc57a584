"""How fast does SQLite alone take the rows of a first synchronisation's memberships, at its start and at its end?

    python member_rows.py --users 100000 --groups 5000 --memberships 1000000

The memberships that `first_sync.py` pushes, in its order, straight into a table with Rolecall's columns and indexes: no
HTTP, no SCIM, nothing else written. What is slower here at the end than at the start is the growth of the index by
member: rows come in the order of groups, so each of them goes to another page of it, and the more pages there are the
more of them a commit has to write. Standard library only; `first_sync.py` and `scim_load.py` must stand beside this file.
"""

import argparse
import random
import sqlite3
import tempfile
import time
import uuid
from pathlib import Path

from first_sync import SEED, group_sizes

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-8192")
TABLE = """
CREATE TABLE group_member (
    group_id TEXT NOT NULL, member_id TEXT NOT NULL, member_kind TEXT NOT NULL, added_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, member_id)
) WITHOUT ROWID
"""
INDEXES = (
    "CREATE INDEX ix_group_member_member_id_group_id ON group_member (member_id, group_id)",
    "CREATE INDEX ix_group_member_nested ON group_member (group_id, member_id) WHERE member_kind = 'Group'",
)


def main() -> None:
    """Insert everything, and print the rate of each tenth."""
    options = _parse_options()
    rng = random.Random(SEED)
    users = [_ordered_id(rng, number) for number in range(options.users)]
    groups = [_ordered_id(rng, options.users + number) for number in range(options.groups)]
    sizes = group_sizes(options.groups, options.memberships, options.users)
    chunks = []
    for group, size in zip(groups, sizes, strict=True):
        members = rng.sample(users, size)
        chunks += [(group, members[start : start + options.chunk]) for start in range(0, size, options.chunk)]
    rng.shuffle(chunks)
    with tempfile.TemporaryDirectory() as directory:
        rates = insert(Path(directory) / "rows.sqlite3", chunks, options.commit)
    for number, rate in enumerate(rates, 1):
        print(f"tenth {number:2}  {rate:10,.0f} memberships/s")
    print(f"slower at the end than at the start by a factor of {rates[0] / rates[-1]:.2f}")


def insert(file: Path, chunks: list[tuple[str, list[str]]], per_commit: int) -> list[float]:
    """Insert the chunks, so many to a commit, and return the memberships a second of each tenth."""
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(TABLE)
    for index in INDEXES:
        connection.execute(index)
    rates = []
    for tenth in range(10):
        part = chunks[len(chunks) * tenth // 10 : len(chunks) * (tenth + 1) // 10]
        started = time.perf_counter()
        for start in range(0, len(part), per_commit):
            connection.execute("BEGIN IMMEDIATE")
            for group, members in part[start : start + per_commit]:
                rows = [(group, member, "User", 0) for member in sorted(members)]
                connection.executemany("INSERT INTO group_member VALUES (?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
        rates.append(sum(len(members) for _, members in part) / (time.perf_counter() - started))
    connection.close()
    return rates


def _ordered_id(rng: random.Random, number: int) -> str:
    """Return an id that begins with its number, as one does that begins with the time."""
    return str(uuid.UUID(int=number << 80 | rng.getrandbits(80)))


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=5_000)
    parser.add_argument("--memberships", type=int, default=1_000_000)
    parser.add_argument("--chunk", type=int, default=500, help="members that one PATCH adds at most")
    parser.add_argument("--commit", type=int, default=8, help="PATCHes that share a commit")
    return parser.parse_args()


if __name__ == "__main__":
    main()
