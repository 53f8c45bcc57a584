"""Does everybody hold what they must on each day of a year, in a company of thousands?

Serves fresh installations on SQLite and on PostgreSQL and lets a company of three identity providers live through a
year on each: joiners, movers and leavers, reorganisations, mistakes that a guard has to hold, pushes that are lost and
changes that somebody makes here. In the evening of each day on which anything happened, everybody is compared with a
model by the REST API. It is what `tests/conformance/test_year.py` does at a small size. Needs the test environment:

    python3 tools/run_tests.py --prepare
    .venv-test/bin/python bench/year.py                                  # 3,000 people, on each database
    .venv-test/bin/python bench/year.py --people 1000 --database sqlite --seed 7

A year has to pass within an hour, so that no loss is older than what a guard looks at: some 5,000 people on a small
machine.
"""

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.conformance.year.company import founded  # noqa: E402  # needs the path
from tests.conformance.year.year import Report, Year  # noqa: E402
from tests.make.databases import KINDS, PostgresqlServer, fresh_database, postgresql_server  # noqa: E402
from tests.make.served import Served, serve  # noqa: E402


def main() -> int:
    """Live through the years, and print a line for each; 1 when anybody held something else on any day."""
    options = parse_options()
    kinds = KINDS if options.database == "both" else (options.database,)
    faults = 0
    with ExitStack() as stack:
        server = cache(lambda: stack.enter_context(postgresql_server()))
        for kind in kinds:
            faults += not live(kind, options, server)
    return 1 if faults else 0


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=3_000, help="how many work there at the beginning (3000)")
    parser.add_argument("--database", choices=["both", *KINDS], default="both", help="on which databases (both)")
    parser.add_argument("--seed", type=int, help="of who does what (another each time; it is printed)")
    return parser.parse_args()


def live(kind: str, options: argparse.Namespace, server: Callable[[], PostgresqlServer]) -> bool:
    """Live through one year; return whether all was as it must be."""
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    print(f"{kind}: {options.people:,} people, seed {seed}", flush=True)
    started = time.monotonic()
    with fresh_database(kind, server) as database, serve(database) as served:
        try:
            report = one_year(served, options.people, seed)
        except AssertionError:
            print(f"{kind}: FAILED after {time.monotonic() - started:.0f} s\n{traceback.format_exc()}", flush=True)
            return False
    print_report(kind, report, time.monotonic() - started)
    return not report.differences


def one_year(served: Served, people: int, seed: int) -> Report:
    """Found a company on a fresh installation, and let it live through a year."""
    key = served.run_json("admin", "create-key", "--user-name", "year", "--role", "admin", "--create-user", "--json")
    with founded(served.url, key["api_key"], served.run_text, people, random.Random(seed)) as company:
        return Year(company).run()


def print_report(kind: str, report: Report, seconds: float) -> None:
    """Print what a year came to."""
    print(
        f"{kind}: {report.days} days compared, {report.compared:,} users, {report.roles:,} roles, "
        f"{report.pushes:,} calls by providers, {report.times_held:,} held, {len(report.differences):,} differences, "
        f"{seconds:.0f} s"
    )
    for what, times in sorted(report.happenings.items(), key=lambda item: -item[1]):
        print(f"  {times:>6,} {what}")
    for difference in report.differences[:20]:
        print(f"  {difference}")


if __name__ == "__main__":
    sys.exit(main())
