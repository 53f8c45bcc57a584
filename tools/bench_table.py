"""What do the figures of a benchmark say? Renders docs/reference/benchmarks.md from what run_bench.py measured."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Final

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
PEER: Final = "scim2-server"
OURS: Final = (SQLITE, POSTGRESQL)
CONTENDERS: Final = (SQLITE, POSTGRESQL, PEER)
TITLES: Final = {SQLITE: "Rolecall on SQLite", POSTGRESQL: "Rolecall on PostgreSQL", PEER: "scim2-server"}

STANDARD: Final = "standard"
LARGE: Final = "large"
CONTENDERS_AT: Final = {STANDARD: CONTENDERS, LARGE: OURS}
"""Whom each scale is asked of. One change of a group of 20,000 takes scim2-server seconds: it is spared larger ones."""

_NOTE: Final = "<!-- Written by `make bench` from what it measured. Do not edit. -->"
_LEGEND: Final = (
    "Rates of reads over 8 connections, of writes over 32; medians (p50) over one. The last two columns say how many "
    "times better Rolecall is than scim2-server, which keeps everything in memory and asks for no key, while Rolecall "
    "has each acknowledged change on disk. *Flat* is the cost with much data in place over that with little. Memory "
    "is that of the server's own process, without PostgreSQL's. Rolecall starts with the users in place, scim2-server "
    "without. `-` stands for what does not apply: scim2-server comes with cursors switched off, and is not asked for "
    "more than the standard sizes, of which the largest already takes it seconds a change."
)
_PUSHED: Final = (
    "An identity provider is switched on and pushes everybody: users, then groups, then members by PATCHes. "
    "p50 and p99 are of single requests over 32 connections, in milliseconds; the last two columns are items a second "
    "in the first and in the last tenth of a phase."
)
_MAPPED: Final = (
    "The same, while each group gives a role in a team: a third is mapped by id, a third by name, a third by patterns. "
    "Then a day on which one percent of the users and of the memberships change, one by one. At the end the roles of "
    "2,000 users, and how many users each team has, are compared with what the groups must have given."
)
_READERS: Final = 8
_WRITERS: Final = 32
_FLAT: Final = 1.3
"""By how much a cost may grow with what a request does not touch."""
_UNACCEPTABLE: Final = 2.0
STARTS: Final = 5
_START_SECONDS: Final = 1.5
_RESIDENT_MIB: Final = 150
_BUILT_GROUP: Final = 20_000
_BUILD_SECONDS: Final = 2.0
_ONE_PATCH: Final = 500
"""Up to so many members a group is built by one request."""
_NOISE: Final = 1.05
"""Two rates of one phase that differ by less are taken for the same."""
_REACHED: Final = 0.99
"""Which part of the population counts as all of it: a few creations may fail."""

Json = Mapping[str, Any]
"""What a load generator, or an earlier run of this one, has written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was measured of one server with one set of sizes."""

    load: Json | None = None
    """What bench/scim_load.py wrote; None when it did not come to its end."""
    cursor_ms: tuple[float, float] | None = None
    """Median of the first and of the last tenth of the pages of all users, by cursor."""
    start_seconds: Sequence[float] = ()
    """Starts with the data of the run in place."""
    made: str = ""
    """When, and of which Rolecall, where that is another than what the page is of."""

    def phase(self, op: str, connections: int, population: int = 0) -> Json | None:
        """Return a phase of the load, unless nothing was answered in it or too few users were there.

        An `op` that ends in `@` is any that begins so: the load appends the population.
        """
        for row in self._rows():
            named = row["op"].startswith(op) if op.endswith("@") else row["op"] == op
            if named and row.get("conc") == connections and row["n"] and row["population"] >= population * _REACHED:
                return row
        return None

    def rate(self, op: str, connections: int, population: int = 0) -> float | None:
        """Return the requests a second of a phase."""
        row = self.phase(op, connections, population)
        return None if row is None else float(row["rps"])

    def median_ms(self, op: str) -> float | None:
        """Return the median of a phase over one connection."""
        row = self.phase(op, 1)
        return None if row is None else float(row["p50"])

    def build_seconds(self, size: int) -> float | None:
        """Return how long it took to build a group."""
        built = [row.get("seconds") for row in self._rows() if row["op"] == f"build_group_{size}"]
        return None if not built or built[0] is None else float(built[0])

    def resident_mib(self, population: int) -> float | None:
        """Return the memory with all users in place, before the first group."""
        memory: Mapping[str, float] = {} if self.load is None else self.load["rss_mib"]
        sizes = {int(label.split()[0]): mib for label, mib in memory.items() if label.endswith(" users")}
        return next((mib for size, mib in sizes.items() if size >= population * _REACHED), None)

    def failures(self) -> Iterator[str]:
        """Say which phases had requests that failed."""
        for row in self._rows():
            if isinstance(bad := row.get("bad"), Mapping):
                counted = ", ".join(f"{count} with {_reason(str(kind))}" for kind, count in bad.items())
                yield f"`{row['op']}`, {row['conc']} connections: {counted}"
            elif bad:
                yield f"`{row['op']}`: {bad}"

    def _rows(self) -> Sequence[Json]:
        return () if self.load is None else self.load["rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much data a run of the load asks for, and for how long each phase lasts."""

    users: int
    big: int
    groups: tuple[int, ...]
    seconds: float
    rest: float
    """So many seconds nobody asks for anything once the users are there: checkpoints and vacuum come to their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything that one call of the benchmark measured."""

    date: str
    command: str
    machine: Mapping[str, str]
    sizes: Mapping[str, Sizes]
    runs: Mapping[str, Mapping[str, Run]]
    """By scale, then by server."""
    first_sync: Mapping[str, Json | None] = field(default_factory=dict)
    """What bench/first_sync.py wrote, by server; None when it failed."""
    mapped_sync: Mapping[str, Json | None] = field(default_factory=dict)
    """What bench/mapped_sync.py wrote, likewise."""


def from_json(written: Json) -> Results:
    """Return the results that an earlier run has written, as `dataclasses.asdict` gives them."""
    sizes = {scale: Sizes(**{**size, "groups": tuple(size["groups"])}) for scale, size in written["sizes"].items()}
    runs = {scale: {name: Run(**run) for name, run in by_name.items()} for scale, by_name in written["runs"].items()}
    return Results(**{**written, "sizes": sizes, "runs": runs})


def put_into(last: Results, again: Results) -> Results:
    """Return the last results with what was measured again, of the same sizes, in its place.

    Raises: ValueError where the sizes differ.
    """
    if any(last.sizes.get(scale) != sizes for scale, sizes in again.sizes.items()):
        raise ValueError("What is measured again must have the sizes of the last run.")
    machine = again.machine
    made = f"on {again.date} by `{again.command}`, load before {machine['Load before']}, Rolecall {machine['Rolecall']}"
    told = {"Load before", "Rolecall"}
    made += "".join(
        f"; {what}: {value}" for what, value in sorted(machine.items() - last.machine.items()) if what not in told
    )
    runs = {
        scale: {**by_name, **{name: replace(run, made=made) for name, run in again.runs.get(scale, {}).items()}}
        for scale, by_name in last.runs.items()
    }
    syncs = {name: None if sync is None else {**sync, "made": made} for name, sync in again.first_sync.items()}
    return replace(last, runs=runs, first_sync={**last.first_sync, **syncs})


Value = Callable[[Run], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    """`/s` is better when it is more, everything else when it is less."""
    values: Mapping[str, float | None]
    targets: Mapping[str, float] = field(default_factory=dict)

    def factor(self, server: str, other: float | None) -> float | None:
        """Return how many times better a server is than another value; less than 1 is worse."""
        value = self.values.get(server)
        if value is None or other is None or not value or not other:
            return None
        return value / other if self.unit == "/s" else other / value

    def shown(self, value: float | None) -> str:
        """Write a value with its unit."""
        if value is None:
            return "not finished"
        digits = 0 if self.unit == "MiB" else _digits(value)
        return f"{value:,.{digits}f}{'' if self.unit == '/s' else ' '}{self.unit}".rstrip()


def render_page(results: Results) -> str:
    """Return the whole page."""
    rows = list(table_rows(results))
    parts = [
        "# Benchmarks",
        _NOTE,
        _render_setting(results),
        "## Results",
        _LEGEND,
        render_table(rows),
        "## Targets missed",
        _render_list(list(_misses(rows)), "None."),
        "## Requests that failed",
        _render_list(list(_failures(results)), "None."),
    ]
    if results.first_sync:
        parts += ["## First synchronisation", _PUSHED, *_render_syncs(results.first_sync)]
    if results.mapped_sync:
        parts += ["## First synchronisation with every group mapped", _MAPPED, *_render_syncs(results.mapped_sync)]
    return "\n\n".join(parts) + "\n"


def render_table(rows: Sequence[Row]) -> str:
    """Return the table of all rows."""
    lines = [
        "| Operation | Target | SQLite | PostgreSQL | scim2-server | SQLite to peer | PostgreSQL to peer |",
        "| --- | --- | --: | --: | --: | --: | --: |",
    ]
    for row in rows:
        targets = dict.fromkeys(row.shown(row.targets[server]) for server in OURS if server in row.targets)
        bound = "≥" if row.unit == "/s" else "≤"
        cells = [
            row.name,
            " / ".join(f"{bound} {target}" for target in targets),
            *(row.shown(row.values[server]) if server in row.values else "-" for server in CONTENDERS),
            *(_shown_factor(row.factor(server, row.values.get(PEER))) for server in OURS),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def table_rows(results: Results) -> Iterator[Row]:
    """Return the rows for the scales that were measured."""
    for scale in (STANDARD, LARGE):
        if scale in results.runs:
            yield from _reads(results, scale)
            yield from _writes(results, scale)
    if {STANDARD, LARGE} <= results.runs.keys():
        yield from _flat_over_populations(results)


def _reads(results: Results, scale: str) -> Iterator[Row]:
    sizes, runs = results.sizes[scale], results.runs[scale]
    many = f"{sizes.big:,} users"
    if scale == STANDARD:
        yield _row(runs, f"GET by id, {sizes.users:,} users", "/s", _rate("get", _READERS), 4000, 2000)
    yield _row(runs, f"GET by id, {many}", "/s", _rate("get@", _READERS, sizes.big), 4000, 2000)
    yield _row(runs, f"Filter `userName eq`, {many}", "/s", _rate("filter_eq@", _READERS, sizes.big), 2500)
    yield _row(runs, f"Page of 100, {many}", "/s", _rate("list100@", _READERS, sizes.big), 300)
    ours = {
        server: run for server, run in runs.items() if server in OURS
    }  # scim2-server comes with cursors switched off
    yield _row(ours, f"Page of 100 by cursor, {many}: flat, last over first", "", _last_over_first, _FLAT)
    for size in _new_groups(results, scale):
        name = f"GET group of {size:,}, `excludedAttributes=members`"
        yield _row(runs, name, "/s", _rate(f"get_nomembers_{size}", _READERS), 3000)
    yield from _flat_over_groups(
        runs, sizes, "GET group, `excludedAttributes=members`", lambda run, size: _each(run, f"get_nomembers_{size}")
    )


def _writes(results: Results, scale: str) -> Iterator[Row]:
    sizes, runs = results.sizes[scale], results.runs[scale]
    if scale == STANDARD:
        yield _row(runs, "Create user", "/s", _rate("create", _WRITERS), 1500, 800)
        yield _row(runs, "PATCH `active`", "/s", _rate("patch_active", _WRITERS), 1500, 800)
    groups = _new_groups(results, scale)
    for size in groups:
        add, remove = f"member_add_{size}", f"member_rm_{size}"
        group = f"group of {size:,}"
        yield _row(runs, f"Add a member, {group}, p50", "ms", _median(add), 3)
        yield _row(runs, f"Remove a member, {group}, p50", "ms", _median(remove), 3)
        yield _row(runs, f"Adds and removes, {group}", "/s", _rate_of_both(add, remove), 1500)
        yield _row(runs, f"Adds and removes, {group}, p99", "ms", _slowest_of_both(add, remove), 50)
    yield from _flat_over_groups(runs, sizes, "Add a member", lambda run, size: run.median_ms(f"member_add_{size}"))
    yield from _flat_over_groups(runs, sizes, "Remove a member", lambda run, size: run.median_ms(f"member_rm_{size}"))
    for size in groups:
        if size > _ONE_PATCH:
            targets = (_BUILD_SECONDS,) if size == _BUILT_GROUP else ()
            yield _row(runs, f"Build a group of {size:,}, PATCHes of 500", "s", _built(size), *targets)
    targets = (_RESIDENT_MIB,) if scale == STANDARD else ()
    memory = f"Resident memory, {sizes.big:,} users"
    yield _row(runs, memory, "MiB", lambda run: run.resident_mib(sizes.big), *targets)
    yield _row(runs, f"Start to first answer, {sizes.big:,} users, median of {STARTS}", "s", _start, _START_SECONDS)


def _new_groups(results: Results, scale: str) -> Sequence[int]:
    """Return the sizes of groups that have not been shown with the standard sizes."""
    shown = results.sizes[STANDARD].groups if scale == LARGE else ()
    return [size for size in results.sizes[scale].groups if size not in shown]


def _flat_over_groups(
    runs: Mapping[str, Run], sizes: Sizes, what: str, cost: Callable[[Run, int], float | None]
) -> Iterator[Row]:
    small, large = min(sizes.groups), max(sizes.groups)
    if small != large:
        name = f"{what}: flat, {large:,} over {small:,} members"
        yield _row(runs, name, "", lambda run: _over(cost(run, large), cost(run, small)), _FLAT)


def _flat_over_populations(results: Results) -> Iterator[Row]:
    few, many = results.sizes[STANDARD].big, results.sizes[LARGE].big
    for op, what in (("get@", "GET by id"), ("filter_eq@", "Filter `userName eq`"), ("list100@", "Page of 100")):
        yield Row(
            name=f"{what}: flat, {many:,} over {few:,} users",
            unit="",
            values={
                server: _over(_each(run, op, many), _each(results.runs[STANDARD][server], op, few))
                for server, run in results.runs[LARGE].items()
                if server in results.runs[STANDARD]
            },
            targets=dict.fromkeys(OURS, _FLAT),
        )


def _row(runs: Mapping[str, Run], name: str, unit: str, value: Value, *targets: float) -> Row:
    """Make a row. Of two targets the first is for SQLite, the second for PostgreSQL; one is for both."""
    return Row(
        name=name,
        unit=unit,
        values={server: value(run) for server, run in runs.items()},
        targets=dict(zip(OURS, (*targets, *targets), strict=False)) if targets else {},
    )


def _rate(op: str, connections: int, population: int = 0) -> Value:
    return lambda run: run.rate(op, connections, population)


def _median(op: str) -> Value:
    return lambda run: run.median_ms(op)


def _built(size: int) -> Value:
    return lambda run: run.build_seconds(size)


def _rate_of_both(add: str, remove: str) -> Value:
    def value(run: Run) -> float | None:
        adds, removes = run.rate(add, _WRITERS), run.rate(remove, _WRITERS)
        return None if adds is None or removes is None else adds + removes

    return value


def _slowest_of_both(add: str, remove: str) -> Value:
    def value(run: Run) -> float | None:
        rows = [run.phase(op, _WRITERS) for op in (add, remove)]
        answered = [float(row["p99"]) for row in rows if row is not None]
        return max(answered) if len(answered) == len(rows) else None

    return value


def _each(run: Run, op: str, population: int = 0) -> float | None:
    """Return what one read costs, in seconds of the server, as its rate tells."""
    return _over(1.0, run.rate(op, _READERS, population))


def _last_over_first(run: Run) -> float | None:
    return None if run.cursor_ms is None else _over(run.cursor_ms[1], run.cursor_ms[0])


def _start(run: Run) -> float | None:
    return median(run.start_seconds) if run.start_seconds else None


def _over(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _digits(value: float) -> int:
    """Return how many digits after the point make three in all."""
    return next((digits for digits in (2, 1) if value < 1000 / 10**digits), 0)


def _shown_factor(factor: float | None) -> str:
    return "-" if factor is None else f"{factor:,.{min(1, _digits(factor))}f}"


def _misses(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for server, target in row.targets.items():
            if server not in row.values:
                continue
            wanted = f"{row.name}, {TITLES[server]}: {row.shown(row.values[server])}, target {row.shown(target)}"
            missed_by = _over(1.0, row.factor(server, target))
            if missed_by is None:
                yield f"{wanted}."
            elif missed_by > 1:
                unacceptable = ", which is more than a factor of two" if missed_by > _UNACCEPTABLE else ""
                yield f"{wanted}: missed by a factor of {missed_by:.2f}{unacceptable}."


def _failures(results: Results) -> Iterator[str]:
    for scale, runs in results.runs.items():
        for server, run in runs.items():
            if run.load is None:
                yield f"{TITLES[server]}, {scale} sizes: the load did not come to its end."
            yield from (f"{TITLES[server]}, {scale} sizes: {failure}." for failure in run.failures())


def _reason(kind: str) -> str:
    # The load marks with these what was answered with 200, but wrongly, or not at all.
    own = {
        "596": "the members although they were excluded",
        "597": "a page shorter than asked",
        "598": "another number of matches than one",
        "599": "no answer in time",
    }
    return own.get(kind, f"status {kind}" if kind.isdigit() else kind)


def _render_setting(results: Results) -> str:
    lines = [f"- Made on {results.date} by `{results.command}`."]
    lines += [f"- {what}: {value}" for what, value in results.machine.items()]
    for scale, sizes in results.sizes.items():
        groups = ", ".join(f"{size:,}" for size in sizes.groups)
        lines.append(
            f"- {scale.capitalize()} sizes: {sizes.users:,} users, then {sizes.big:,}; groups of {groups}; "
            f"{sizes.seconds:g} s a phase, {sizes.rest:g} s of rest when the users are there."
        )
    lines += [
        f"- {TITLES[name]}, {scale} sizes: measured again {run.made}."
        for scale, runs in results.runs.items()
        for name, run in runs.items()
        if run.made
    ]
    lines.append("- One process each, one server at a time, each fresh; the client shares the machine with it.")
    return "\n".join(lines)


def _render_syncs(by_server: Mapping[str, Json | None]) -> Iterator[str]:
    for server, sync in by_server.items():
        if sync is None:
            yield f"{TITLES[server]}: did not come to its end."
            continue
        yield (
            f"**{TITLES[server]}**: {sync['users']:,} users, {sync['groups']:,} groups (the largest of "
            f"{sync['largest_group']:,}), {sync['memberships']:,} memberships over {sync['connections']} connections "
            f"in {sync['seconds']:,.0f} s; {sync['rss_mib_peak']:,.0f} MiB resident at most."
            + (f" Measured again {sync['made']}." if sync.get("made") else "")
        )
        lines = [
            "| Phase | Items | Requests | Seconds | Items/s | p50 | p99 | Resident MiB | First tenth | Last tenth |",
            "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
        ]
        for phase in sync["phases"]:
            numbers = (
                *(f"{phase[key]:,}" for key in ("items", "requests")),
                *(f"{phase[key]:,.0f}" for key in ("seconds", "rate")),
                *(f"{phase[key]:,.1f}" for key in ("p50_ms", "p99_ms")),
                f"{phase['rss_mib']:,.0f}",
                *(_shown_rate(phase[key]) for key in ("first_tenth_rate", "last_tenth_rate")),
            )
            lines.append(f"| {phase['phase']} | {' | '.join(numbers)} |")
        yield "\n".join(lines)
        yield _render_list(
            [*sync_failures(sync), *_slower_phases(sync)],
            "Every item was kept, and no phase was slower at its end than at its start.",
        )


def sync_failures(sync: Json) -> Iterator[str]:
    """Say what a first synchronisation sent and the server did not take or keep."""
    yield from sync["wrong"]
    for phase in sync["phases"]:
        if phase["failed"]:
            yield f"{phase['phase']}: {sum(phase['failed'].values())} requests failed."


def _slower_phases(sync: Json) -> Iterator[str]:
    for phase in sync["phases"]:
        slower = _over(phase["first_tenth_rate"], phase["last_tenth_rate"])
        if slower is not None and slower > _NOISE:
            yield f"{phase['phase']}: slower at the end than at the start by a factor of {slower:.2f}."


def _shown_rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:,.0f}"


def _render_list(sentences: Sequence[str], nothing: str) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences) if sentences else nothing
