"""Is any acknowledged write lost, or any half one left, when Rolecall is killed over and over?

Serves fresh installations on SQLite and on PostgreSQL, ends the process by `kill -9` at random moments
of a mixed load, and checks after each restart what `tests/conformance/crash.py` checks: every
acknowledged write is there whole, with its event and its audit record, and nothing that nobody asked
for. Needs the test environment:

    python3 tools/run_tests.py --prepare
    .venv-test/bin/python bench/crash_rounds.py                       # 1,000 rounds, half on each database
    .venv-test/bin/python bench/crash_rounds.py --rounds 50 --database sqlite
"""

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.conformance.crash import summary_of, survive_kills  # noqa: E402  # needs the path
from tests.conformance.load import Told  # noqa: E402
from tests.make.databases import KINDS, PostgresqlServer, fresh_database, postgresql_server  # noqa: E402


@dataclass(slots=True)
class Tally:
    """What came of all rounds on one kind of database."""

    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    users: int = 0
    failures: int = 0
    seconds: float = field(default=0.0)

    def count_kill(self) -> None:
        """Count one kill after which everything was as it must be."""
        self.kills += 1

    def add(self, told: Told) -> None:
        """Count what one installation took."""
        self.acknowledged += len(told.request_ids)
        self.unanswered += told.unanswered
        self.users += len(told.created)


def main() -> int:
    """Kill and check; print a summary. 1 when anything was lost."""
    options = parse_options()
    chance = random.Random(options.seed)
    kinds = KINDS if options.database == "both" else (options.database,)
    tallies = {kind: Tally() for kind in kinds}
    with ExitStack() as stack:
        server = cache(lambda: stack.enter_context(postgresql_server()))
        for turn, rounds in enumerate(portions(options.rounds, len(kinds), options.per_installation)):
            run_installation(kinds[turn % len(kinds)], rounds, chance, tallies, server)
    print_summary(tallies)
    return 1 if any(tally.failures for tally in tallies.values()) else 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1_000, help="kills in all (1000)")
    parser.add_argument("--database", choices=["both", *KINDS], default="both", help="on which databases (both)")
    parser.add_argument("--per-installation", type=int, default=25, help="kills before a fresh installation (25)")
    parser.add_argument("--seed", type=int, help="of the moments of the kills (another each time)")
    return parser.parse_args()


def portions(rounds: int, kinds: int, largest: int) -> list[int]:
    """Split the rounds evenly over the kinds of database, then over installations, the kinds taking turns."""
    left = [rounds // kinds + (number < rounds % kinds) for number in range(kinds)]
    portioned = []
    while any(left):
        for number in range(kinds):
            portioned.append(min(largest, left[number]))
            left[number] -= portioned[-1]
    return portioned


def run_installation(
    kind: str, rounds: int, chance: random.Random, tallies: dict[str, Tally], server: Callable[[], PostgresqlServer]
) -> None:
    """Kill one fresh installation as often as wanted, unless something is lost before that."""
    if rounds == 0:
        return
    tally = tallies[kind]
    started = time.monotonic()
    try:
        with fresh_database(kind, server) as database:
            told = survive_kills(database, rounds, chance, tally.count_kill)
        tally.add(told)
        print(f"{kind}: {rounds} kills: {summary_of(told)}", flush=True)
    except AssertionError:
        tally.failures += 1
        print(f"{kind}: FAILED after {tally.kills} kills\n{traceback.format_exc()}", flush=True)
    tally.seconds += time.monotonic() - started


def print_summary(tallies: dict[str, Tally]) -> None:
    """Print a line for each database."""
    print(
        f"\n{'database':<12}{'kills':>8}{'acknowledged':>14}{'unanswered':>12}{'users':>9}{'failures':>10}{'minutes':>9}"
    )
    for kind, tally in tallies.items():
        print(
            f"{kind:<12}{tally.kills:>8,}{tally.acknowledged:>14,}{tally.unanswered:>12,}{tally.users:>9,}"
            f"{tally.failures:>10}{tally.seconds / 60:>9.1f}"
        )


if __name__ == "__main__":
    sys.exit(main())
