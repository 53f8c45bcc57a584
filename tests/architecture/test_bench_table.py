"""Does the benchmark's page say what was measured, and openly what was missed or not finished?"""

import json
from dataclasses import asdict, replace

import pytest

from tools.bench_table import (
    LARGE,
    PEER,
    POSTGRESQL,
    SQLITE,
    STANDARD,
    Results,
    Run,
    Sizes,
    from_json,
    put_into,
    render_page,
    table_rows,
)

STANDARD_SIZES = Sizes(users=2000, big=20_100, groups=(10, 20_000), seconds=2, rest=10)
LARGE_SIZES = Sizes(users=2000, big=200_100, groups=(10, 100_000), seconds=2, rest=60)

SYNC = {
    "users": 100, "groups": 5, "memberships": 900, "largest_group": 90, "connections": 32, "seconds": 3.0,
    "rss_mib_peak": 120.0, "wrong": ["Users: 100 sent, 99 kept."],
    "phases": [{
        "phase": "users", "items": 100, "requests": 100, "seconds": 1.0, "rate": 100.0, "rss_mib": 99.0,
        "p50_ms": 4.25, "p99_ms": 31.0, "first_tenth_rate": 200.0, "last_tenth_rate": 100.0, "failed": {"500": 3},
    }],
}  # fmt: skip


def phase(op, conc, rps, p50=1.0, p99=10.0, population=20_100, bad=None):
    return {"op": op, "conc": conc, "n": 100, "rps": rps, "p50": p50, "p99": p99, "population": population, "bad": bad}


def load(*, speed=1.0, big=20_100, groups=(10, 20_000), changes=None):
    rows = [
        phase("create", 32, 2000 * speed, population=2000),
        phase("get", 8, 5000 * speed, population=2000),
        phase("patch_active", 32, 2000 * speed, population=2000),
        phase(f"get@{big // 1000}k", 8, 5000 * speed, population=big),
        phase(f"filter_eq@{big // 1000}k", 8, 3000 * speed, population=big),
        phase(f"list100@{big // 1000}k", 8, 400 * speed, population=big),
    ]
    for size in groups:
        rows += [
            {"op": f"build_group_{size}", "n": size, "seconds": 1.0},
            *(phase(f"{op}_{size}", conc, 1000 * speed) for op in ("member_add", "member_rm") for conc in (1, 8, 32)),
            phase(f"get_nomembers_{size}", 8, 4000 * speed),
        ]
    for row in rows:
        row.update((changes or {}).get(row["op"], {}))
    return {"rows": rows, "rss_mib": {"start": 60.0, "2000 users": 90.0, f"{big} users": 100.0, "group 10": 101.0}}


def results(runs, large=None, first_sync=None):
    scales = {STANDARD: runs} | ({LARGE: large} if large else {})
    sizes = {STANDARD: STANDARD_SIZES} | ({LARGE: LARGE_SIZES} if large else {})
    return Results(
        date="2026-11-24",
        command="make bench",
        machine={"Processor": "2 cores"},
        sizes=sizes,
        runs=scales,
        first_sync=first_sync or {},
    )


def good(**options):
    return Run(load=load(**options), cursor_ms=(2.0, 2.1), start_seconds=[1.0, 1.1, 1.2, 1.3, 9.0])


def cells(page, name):
    [line] = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_row_shows_target_figures_and_how_many_times_better_we_are():
    page = render_page(results({SQLITE: good(), POSTGRESQL: good(speed=0.5), PEER: good(speed=0.1)}))
    assert cells(page, "Create user") == ["≥ 1,500/s / ≥ 800/s", "2,000/s", "1,000/s", "200/s", "10.0", "5.0"]
    assert cells(page, "Adds and removes, group of 20,000")[1] == "2,000/s"


def test_less_is_better_where_time_is_measured():
    slow = good(changes={"member_add_20000": {"p50": 2500.0}})
    page = render_page(results({SQLITE: good(), PEER: slow}))
    assert cells(page, "Add a member, group of 20,000, p50")[1:] == ["1.00 ms", "-", "2,500 ms", "2,500", "-"]


def test_the_start_is_a_median():
    assert (
        cells(render_page(results({SQLITE: good()})), "Start to first answer, 20,100 users, median of 5")[1] == "1.20 s"
    )


def test_a_run_that_reaches_every_target_has_no_misses():
    page = render_page(results({SQLITE: good(), POSTGRESQL: good(), PEER: good(speed=0.1)}))
    assert "## Targets missed\n\nNone." in page


@pytest.mark.parametrize(
    "changes, sentence",
    [
        (
            {"create": {"rps": 1200.0}},
            "Create user, Rolecall on SQLite: 1,200/s, target 1,500/s: missed by a factor of 1.25.",
        ),
        (
            {"build_group_20000": {"seconds": 5.0}},
            (
                "Build a group of 20,000, PATCHes of 500, Rolecall on SQLite: 5.00 s, target 2.00 s: "
                "missed by a factor of 2.50, which is more than a factor of two."
            ),
        ),
        (
            {"member_rm_20000": {"p50": 2.0}},
            (
                "Remove a member: flat, 20,000 over 10 members, Rolecall on SQLite: 2.00, target 1.30: "
                "missed by a factor of 1.54."
            ),
        ),
        (
            {"get_nomembers_20000": {"n": 0}},
            "GET group of 20,000, `excludedAttributes=members`, Rolecall on SQLite: not finished, target 3,000/s.",
        ),
    ],
)
def test_a_missed_target_has_its_sentence(changes, sentence):
    page = render_page(results({SQLITE: good(changes=changes)}))
    assert f"- {sentence}" in page.splitlines()


def test_what_the_peer_did_not_finish_is_said():
    lacking = load(
        changes={"list100@20k": {"n": 0}, "build_group_20000": {"seconds": None, "bad": "not built in budget"}}
    )
    page = render_page(results({SQLITE: good(), PEER: Run(load=lacking)}))
    assert cells(page, "Page of 100, 20,100 users")[3] == "not finished"
    assert "- scim2-server, standard sizes: `build_group_20000`: not built in budget." in page


def test_figures_of_fewer_users_are_not_shown_as_those_of_all():
    few = load(changes={"get@20k": {"op": "get@9k", "population": 9_000}})
    assert cells(render_page(results({PEER: Run(load=few)})), "GET by id, 20,100 users")[3] == "not finished"


def test_failed_requests_are_listed():
    failing = load(changes={"get_nomembers_10": {"bad": {"599": 2, "500": 1}}})
    page = render_page(results({SQLITE: Run(load=failing)}))
    assert "`get_nomembers_10`, 8 connections: 2 with no answer in time, 1 with status 500." in page


def test_a_load_that_broke_off_is_said():
    page = render_page(results({SQLITE: good(), PEER: Run()}))
    assert "- scim2-server, standard sizes: the load did not come to its end." in page


def test_large_sizes_are_compared_with_the_standard_ones():
    slower = Run(load=load(big=200_100, groups=(10, 100_000), changes={"filter_eq@200k": {"rps": 1500.0}}))
    page = render_page(results({SQLITE: good()}, large={SQLITE: slower}))
    assert cells(page, "Filter `userName eq`: flat, 200,100 over 20,100 users")[1] == "2.00"
    assert cells(page, "GET by id: flat, 200,100 over 20,100 users")[1] == "1.00"


def test_results_that_were_written_give_the_same_page():
    measured = results({SQLITE: good(), PEER: Run()}, large={SQLITE: good(big=200_100, groups=(10, 100_000))})
    assert render_page(from_json(json.loads(json.dumps(asdict(measured))))) == render_page(measured)


def test_what_is_measured_again_takes_its_place_and_is_said_to_be_of_another_version():
    last = results({SQLITE: good(), POSTGRESQL: good(changes={"get": {"rps": 1000.0}})})
    mended = replace(
        results({POSTGRESQL: good(changes={"get": {"rps": 3000.0}})}),
        date="2027-01-02",
        command="make bench OPTIONS='--only postgresql --into-last'",
        machine={"Processor": "2 cores", "Load before": "0.1", "Rolecall": "abc1234", "PostgreSQL": "19.0"},
        first_sync={POSTGRESQL: SYNC},
    )
    page = render_page(put_into(last, mended))
    assert "in 3 s; 120 MiB resident at most. Measured again on 2027-01-02 by" in page
    assert cells(render_page(last), "GET by id, 2,000 users")[1:3] == ["5,000/s", "1,000/s"]
    assert cells(page, "GET by id, 2,000 users")[1:3] == ["5,000/s", "3,000/s"]
    assert (
        "- Rolecall on PostgreSQL, standard sizes: measured again on 2027-01-02 by "
        "`make bench OPTIONS='--only postgresql --into-last'`, load before 0.1, Rolecall abc1234; "
        "PostgreSQL: 19.0." in page
    )
    assert page.count("measured again") == 1
    other = replace(mended, sizes={STANDARD: replace(mended.sizes[STANDARD], big=30_000)})
    with pytest.raises(ValueError, match="the sizes of the last run"):
        put_into(last, other)


def test_no_two_rows_have_one_name():
    both = results({SQLITE: good()}, large={SQLITE: good(big=200_100, groups=(10, 100_000))})
    names = [row.name for row in table_rows(both)]
    assert len(names) == len(set(names))


def test_the_first_synchronisation_tells_where_it_got_slower():
    page = render_page(results({SQLITE: good()}, first_sync={SQLITE: SYNC, POSTGRESQL: None}))
    assert cells(page, "users")[4:6] == ["4.2", "31.0"]
    assert "- users: slower at the end than at the start by a factor of 2.00." in page
    assert "- users: 3 requests failed." in page
    assert "- Users: 100 sent, 99 kept." in page
    assert "Rolecall on PostgreSQL: did not come to its end." in page
