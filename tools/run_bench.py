"""How fast is Rolecall on this machine, and how fast is another server beside it?

`make bench` serves Rolecall on SQLite, Rolecall on PostgreSQL and scim2-server, one after the other and each fresh,
measures them with the generators of bench/, and writes docs/reference/benchmarks.md. `make bench OPTIONS=--full` adds
200,000 users, a group of 100,000 and first synchronisations. Figures of any other sizes go to bench-data/ only.

What was mended can be measured again alone, in the place of what the last run found: `--only postgresql --into-last`
(with `--full` for both sizes, with `--first-sync` for that); the page then says which figures are of which version.
"""

import argparse
import http.client
import json
import os
import platform
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import quote

import psycopg

from tests.make.databases import fresh_postgresql, fresh_sqlite, postgresql_server
from tests.make.served import environment, free_port, rolecall_command
from tools.bench_table import (
    CONTENDERS,
    CONTENDERS_AT,
    LARGE,
    OURS,
    PEER,
    POSTGRESQL,
    SQLITE,
    STANDARD,
    STARTS,
    TITLES,
    Results,
    Run,
    Sizes,
    from_json,
    put_into,
    render_page,
    sync_failures,
)

ROOT: Final = Path(__file__).resolve().parent.parent
BENCH: Final = ROOT / "bench"
DATA: Final = ROOT / "bench-data"
RESULTS: Final = DATA / "results.json"
PAGE: Final = ROOT / "docs" / "reference" / "benchmarks.md"
PUBLISHED: Final = {
    STANDARD: Sizes(users=2000, big=20_100, groups=(10, 1000, 20_000), seconds=2, rest=10),
    LARGE: Sizes(users=2000, big=200_100, groups=(10, 1000, 20_000, 100_000), seconds=2, rest=60),
}
FIRST_SYNC: Final = (100_000, 5_000, 1_000_000)
"""Users, groups, memberships."""

_BUDGET_SECONDS: Final = {STANDARD: 120, LARGE: 600}
"""How long a server may take to get its users, and to get one group."""
_LOAD_SECONDS: Final = 3600
_READY_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.005
_STOP_SECONDS: Final = 30
_WALKS: Final = 3
_IDLE_LOAD: Final = 0.5
_MAKE_ADMINISTRATOR: Final = ("admin", "create-key", "--user-name", "bench", "--create-user", "--role", "admin")
_PG_SETTINGS: Final = ["server_version", "fsync", "synchronous_commit", "autovacuum_naptime"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that can be started, and started again on the same data."""

    name: str
    port: int
    command: Sequence[str]
    scim: str
    """Path of SCIM on the port."""
    ready: str
    """Path that answers 200 as soon as the server does its work."""
    set_up: Sequence[str] = ()
    """Command that prints the key to use; none for a server that asks for no key."""
    make_administrator: Sequence[str] = ()
    """Command that prints a key which may do everything; after `set_up`."""
    facts: Mapping[str, str]

    @property
    def base_url(self) -> str:
        """Where SCIM is."""
        return f"http://127.0.0.1:{self.port}{self.scim}"


@contextmanager
def on_sqlite() -> Iterator[Server]:
    """Offer Rolecall with an SQLite file that does not exist yet."""
    with fresh_sqlite() as database:
        yield _rolecall(SQLITE, ["--data-dir", str(database.directory)], {"SQLite": sqlite3.sqlite_version})


@contextmanager
def on_postgresql() -> Iterator[Server]:
    """Offer Rolecall with an empty database on a PostgreSQL server of its own."""
    with (
        postgresql_server() as server,
        fresh_postgresql(server) as database,
        tempfile.TemporaryDirectory(prefix="rolecall-bench-") as folder,
    ):
        with psycopg.connect(database.plain_url, autocommit=True) as connection:
            # Once a minute, the upkeep of what was just made would fall into whatever is measured then.
            connection.execute("ALTER SYSTEM SET autovacuum_naptime = '5s'")
            connection.execute("SELECT pg_reload_conf(), pg_sleep(1)")
        with psycopg.connect(database.plain_url) as connection:
            asked = connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (_PG_SETTINGS,))
            settings: dict[str, str] = dict(asked.fetchall())
        facts = {"PostgreSQL": ", ".join(f"{name} {settings[name]}" for name in _PG_SETTINGS)}
        yield _rolecall(POSTGRESQL, ["--data-dir", folder, "--database-url", database.plain_url], facts)


@contextmanager
def the_peer() -> Iterator[Server]:
    """Offer scim2-server with its storage in memory."""
    port = free_port()
    serve = [sys.executable, "-m", "uvicorn", "--app-dir", str(BENCH), "scim2_server_app:app", "--host", "127.0.0.1"]
    yield Server(
        name=PEER,
        port=port,
        command=[*serve, "--port", str(port), "--log-level", "warning", "--no-access-log"],
        scim="/v2",
        ready="/v2/ServiceProviderConfig",
        facts={"scim2-server": f"{version('scim2-server')}, its ASGI application on uvicorn {version('uvicorn')}"},
    )


def _rolecall(name: str, storage: Sequence[str], facts: Mapping[str, str]) -> Server:
    port = free_port()
    return Server(
        name=name,
        port=port,
        command=[*rolecall_command(), "serve", "--host", "127.0.0.1", "--port", str(port), *storage],
        scim="/scim/v2",
        ready="/readyz",
        set_up=[*rolecall_command(), "admin", "scim-setup", *storage, "--json"],
        make_administrator=[*rolecall_command(), *_MAKE_ADMINISTRATOR, *storage, "--json"],
        facts=facts,
    )


SERVERS: Final[Mapping[str, Callable[[], AbstractContextManager[Server]]]] = {
    SQLITE: on_sqlite,
    POSTGRESQL: on_postgresql,
    PEER: the_peer,
}


def measure(server: Server, sizes: Sizes, scale: str) -> Run:
    """Put a fresh server under load, read all its users by cursor, then start it again a few times."""
    with started(server) as (process, _):
        key = _get_key(server.set_up)
        options = {
            "--users": sizes.users,
            "--big": sizes.big,
            "--sizes": ",".join(map(str, sizes.groups)),
            "--seconds": sizes.seconds,
            "--grow-budget": _BUDGET_SECONDS[scale],
            "--rest": sizes.rest,
        }
        load = _generate("scim_load.py", server, key, process, options, f"{scale}-{server.name}")
        cursor = walk_by_cursor(server, key) if server.name in OURS and load is not None else None
    starts = []
    for _ in range(STARTS):
        with started(server) as (_, seconds):
            starts.append(round(seconds, 3))
    return Run(load=load, cursor_ms=cursor, start_seconds=starts)


def measure_first_sync(server: Server, sizes: Sequence[int]) -> Mapping[str, Any] | None:
    """Let a fresh server take over a whole organisation."""
    return _measure_sync("first_sync.py", server, sizes, server.set_up)


def measure_mapped_sync(server: Server, sizes: Sequence[int]) -> Mapping[str, Any] | None:
    """Let a fresh server take over a whole organisation whose groups are all mapped, and a day of changes."""
    _get_key(server.set_up)
    return _measure_sync("mapped_sync.py", server, sizes, server.make_administrator)


def _measure_sync(
    script: str, server: Server, sizes: Sequence[int], make_key: Sequence[str]
) -> Mapping[str, Any] | None:
    with started(server) as (process, _):
        options = dict(zip(("--users", "--groups", "--memberships"), sizes, strict=True))
        result = f"{script.removesuffix('.py').replace('_', '-')}-{server.name}"
        return _generate(script, server, _get_key(make_key), process, options, result)


@contextmanager
def started(server: Server) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """Run a server for as long as the block lasts. Offers its process, and how long it took until it was ready."""
    with (DATA / f"{server.name}.log").open("ab") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(
            server.command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        while not _is_ready(server):
            if process.poll() is not None or time.perf_counter() - begun > _READY_SECONDS:
                raise SystemExit(f"{TITLES[server.name]} did not start: see {log.name}.")
            time.sleep(_POLL_SECONDS)
        yield process, time.perf_counter() - begun
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # A server that still works on requests whose client has long gone is not waited for.
            process.kill()
            process.wait()


def walk_by_cursor(server: Server, key: str) -> tuple[float, float] | None:
    """Read all users in pages of 100, several times. Return the medians of the first and last tenth in milliseconds."""
    first: list[float] = []
    last: list[float] = []
    for _ in range(_WALKS):
        times = list(_page_times(server, key))
        full = times[:-1]  # the last page may have few users, or none
        if not full:
            return None
        tenth = max(1, len(full) // 10)
        first += full[:tenth]
        last += full[-tenth:]
    return round(median(first) * 1000, 3), round(median(last) * 1000, 3)


def _page_times(server: Server, key: str) -> Iterator[float]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_READY_SECONDS)
    cursor: str | None = ""
    while cursor is not None:
        path = f"{server.scim}/Users?count=100&cursor={quote(cursor, safe='')}"
        begun = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        body = answer.read()
        yield time.perf_counter() - begun
        if answer.status != http.client.OK:
            raise SystemExit(f"{path} was answered with {answer.status}: {body[:500]!r}")
        cursor = json.loads(body).get("nextCursor")
    connection.close()


def _is_ready(server: Server) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=_READY_SECONDS)) as connection:
        try:
            connection.request("GET", server.ready)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def _get_key(make_key: Sequence[str]) -> str:
    if not make_key:
        return "none"
    done = subprocess.run(make_key, env=environment(), check=True, capture_output=True, text=True)
    return str(json.loads(done.stdout)["api_key"])


def _generate(
    script: str,
    server: Server,
    key: str,
    process: subprocess.Popen[bytes],
    options: Mapping[str, object],
    result: str,
) -> Mapping[str, Any] | None:
    """Run a generator and return what it wrote; None when it did not come to its end."""
    written = DATA / f"{result}.json"
    written.unlink(missing_ok=True)
    command = [sys.executable, str(BENCH / script), server.base_url, key, "--pid", str(process.pid)]
    arguments = [str(part) for pair in options.items() for part in pair]
    try:
        subprocess.run([*command, *arguments, "--json", str(written)], check=False, timeout=_LOAD_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    if not written.exists():
        return None
    loaded: dict[str, Any] = json.loads(written.read_text("utf-8"))
    return loaded


def run(
    names: Sequence[str], sizes: Mapping[str, Sizes], first_sync: Sequence[int] | None, *, with_mapped: bool = True
) -> Results:
    """Measure everything, one server at a time."""
    machine = _describe_machine()
    runs: dict[str, dict[str, Run]] = {scale: {} for scale in sizes}
    syncs: dict[str, Mapping[str, Any] | None] = {}
    mapped: dict[str, Mapping[str, Any] | None] = {}
    for name in names:
        for scale, wanted in sizes.items():
            if name not in CONTENDERS_AT[scale]:
                continue
            print(f"\n==== {TITLES[name]}, {scale} sizes ====", flush=True)
            with SERVERS[name]() as server:
                machine |= server.facts
                runs[scale][name] = measure(server, wanted, scale)
        if first_sync and name in OURS:
            print(f"\n==== {TITLES[name]}, first synchronisation ====", flush=True)
            with SERVERS[name]() as server:
                syncs[name] = measure_first_sync(server, first_sync)
        if first_sync and name in OURS and with_mapped:
            print(f"\n==== {TITLES[name]}, first synchronisation with everything mapped ====", flush=True)
            with SERVERS[name]() as server:
                mapped[name] = measure_mapped_sync(server, first_sync)
    options = shlex.join(sys.argv[1:])
    return Results(
        date=datetime.now(UTC).date().isoformat(),
        command=f"make bench OPTIONS={shlex.quote(options)}" if options else "make bench",
        machine=machine,
        sizes=sizes,
        runs=runs,
        first_sync=syncs,
        mapped_sync=mapped,
    )


def _describe_machine() -> dict[str, str]:
    cpu = _find_line(Path("/proc/cpuinfo"), "model name") or platform.machine()
    memory = _find_line(Path("/proc/meminfo"), "MemTotal") or "0 kB"
    file_system = _ask("df", "--output=fstype", tempfile.gettempdir()).split()[-1]
    busy = os.getloadavg()[0]
    if busy > _IDLE_LOAD:
        print(f"This machine is not idle (load {busy:.1f}): the figures will be worse than they could be.", flush=True)
    return {
        "Processor": f"{os.cpu_count()} cores, {cpu}",
        "Memory": f"{int(memory.split()[0]) / 1024 / 1024:.1f} GiB",
        "System": f"{platform.system()} {platform.release()}, data on {file_system}",
        "Load before": f"{busy:.1f}",
        "Python": platform.python_version(),
        "Rolecall": _ask("git", "describe", "--always", "--dirty"),
    }


def _ask(*command: str) -> str:
    try:
        asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return asked.stdout.strip() or "unknown"


def _find_line(path: Path, name: str) -> str | None:
    if not path.exists():
        return None
    for line in path.read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="also 200,000 users, and a first synchronisation")
    parser.add_argument("--again", action="store_true", help="write the page from the last results, measure nothing")
    parser.add_argument("--into-last", action="store_true", help="put the load's results into those of the last run")
    parser.add_argument("--only", choices=CONTENDERS, action="append", help="measure this server; may be repeated")
    parser.add_argument("--users", type=int, help="users before growth")
    parser.add_argument("--big", type=int, help="users after growth")
    parser.add_argument("--sizes", type=_numbers, metavar="N,N…", help="sizes of groups")
    parser.add_argument("--seconds", type=float, help="how long each phase lasts")
    parser.add_argument("--rest", type=float, help="seconds without a request when all users are there")
    parser.add_argument("--first-sync", type=_numbers, metavar="USERS,GROUPS,MEMBERSHIPS", help="sizes of that")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _is_for_everyone(results: Results) -> bool:
    """Say whether all servers were measured, and with the sizes that figures are published of."""
    loads = all(
        sizes == PUBLISHED[scale] and set(results.runs[scale]) == set(CONTENDERS_AT[scale])
        for scale, sizes in results.sizes.items()
    )
    return loads and all(
        sync is None or (sync["users"], sync["groups"], sync["memberships"]) == FIRST_SYNC
        for sync in (*results.first_sync.values(), *results.mapped_sync.values())
    )


def _did_all(results: Results) -> bool:
    """Say whether Rolecall did all that it was asked for. How fast is another question."""
    ours = [run for runs in results.runs.values() for name, run in runs.items() if name in OURS]
    loads = all(run.load is not None and not any(run.failures()) for run in ours)
    syncs = (*results.first_sync.values(), *results.mapped_sync.values())
    return loads and not any(sync is None or any(sync_failures(sync)) for sync in syncs)


def main() -> int:
    """Measure, and write the page. Fails when Rolecall refused a request or lost something, not when it was slow."""
    options = _parse_options()
    changed = {
        name: value
        for name, value in vars(options).items()
        if name in {"users", "big", "seconds", "rest"} and value is not None
    } | ({"groups": options.sizes} if options.sizes else {})
    sizes = {scale: replace(PUBLISHED[scale], **changed) for scale in (STANDARD, *([LARGE] if options.full else []))}
    first_sync = options.first_sync or (FIRST_SYNC if options.full and not options.into_last else None)
    if options.again:
        results = from_json(json.loads(RESULTS.read_text("utf-8")))
    else:
        DATA.mkdir(exist_ok=True)
        for log in DATA.glob("*.log"):
            log.unlink()
        results = run(options.only or CONTENDERS, sizes, first_sync, with_mapped=not options.into_last)
        if options.into_last:
            results = put_into(from_json(json.loads(RESULTS.read_text("utf-8"))), results)
        RESULTS.write_text(json.dumps(asdict(results), indent=1) + "\n", "utf-8")
    page = PAGE if _is_for_everyone(results) else DATA / PAGE.name
    page.write_text(render_page(results), "utf-8")
    print(f"\nWrote {page.relative_to(ROOT)}.")
    return 0 if _did_all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
