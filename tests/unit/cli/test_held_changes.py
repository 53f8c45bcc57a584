"""How are held changes looked at and decided from the command line?"""

from dataclasses import replace
from functools import partial

import pytest

from rolecall import main as wiring
from rolecall.connections import connections
from rolecall.connections.guard.losses import Guard
from rolecall.connections.held.errors import ChangeIsHeld
from rolecall.connections.held.model import Sent
from rolecall.directory import groups, provisioned_users
from rolecall.directory.model import DEFAULT_CONNECTION, Expected, GroupId, RemoveMembers
from rolecall.mapping import mappings
from rolecall.settings import Settings
from tests.make.actors import PROVISIONER
from tests.make.directory import group_profile, user_profile
from tests.make.mapping import draft

PROVIDER = replace(PROVISIONER, connection_id=DEFAULT_CONNECTION)


@pytest.fixture
def held(rolecall, on_installation, tmp_path):
    """Two removals from a mapped group that wait for somebody, as ids."""
    rolecall("admin", "scim-setup", "--json")
    on_installation(
        lambda tx: connections.change_connection(
            tx, DEFAULT_CONNECTION, lambda kept: replace(kept, guard_people=0, guard_percent=0), Expected()
        )
    )
    on_installation(lambda tx: mappings.create_mapping(tx, draft("Staff")))
    people = [
        on_installation(lambda tx, name=name: provisioned_users.create_user(tx, user_profile(name))).id
        for name in ("ada", "bob")
    ]
    group = on_installation(lambda tx: groups.create_group(tx, group_profile("Staff"), tuple(people))).id
    return [_hold(tmp_path / "data", group, person) for person in people]


def _hold(data_dir, group: GroupId, person):
    rolecall = wiring.build(Settings(data_dir=data_dir))
    rolecall.keys.ensure(rolecall.clock())
    operation = f'{{"op":"remove","path":"members[value eq \\"{person}\\"]"}}'
    body = f'{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}'
    sent = Sent(method="PATCH", path=f"/scim/v2/Groups/{group}", body=body.encode())
    steps = (RemoveMembers(operation=0, members=(person,)),)
    change = partial(groups.change_group, group_id=group, steps=steps, expected=Expected(), with_members=False)
    try:
        with pytest.raises(ChangeIsHeld) as refused:
            rolecall.transactions.run_write(PROVIDER, Guard(keys=rolecall.keys).over(change, lambda: sent))
    finally:
        wiring.close(rolecall)
    return refused.value.about["held_change_id"]


def held_changes(rolecall, *arguments):
    return rolecall("admin", "held-changes", *arguments)


def test_held_changes_are_listed_shown_released_and_dropped(rolecall, held):
    ada, bob = held
    assert [each["id"] for each in held_changes(rolecall, "list", "--json").json["held_changes"]] == [bob, ada]
    assert ada in held_changes(rolecall, "list", "--connection", "default", "--state", "held").out
    shown = held_changes(rolecall, "show", ada)
    assert "Released now, it would be answered 204." in shown.out
    assert "ada" in shown.out
    assert held_changes(rolecall, "show", ada, "--json").json["radius"]["losing_people_count"] == 1
    assert held_changes(rolecall, "release", ada).out == "Released: 1. Refused: 0.\n"
    again = held_changes(rolecall, "release", ada)
    assert (again.code, again.out) == (4, "Released: 0. Refused: 1.\n")
    assert "was released already" in again.err
    assert held_changes(rolecall, "drop", "--all").out == "Dropped: 1. Refused: 0.\n"
    assert "DROPPED" in held_changes(rolecall, "show", bob).out
    assert held_changes(rolecall, "list", "--state", "HELD").out == "Nothing was held.\n"
    assert held_changes(rolecall, "drop", "none").code == 3
    told = rolecall("admin", "audit", "tail", "--json").out
    assert "held-changes release" in told


def test_all_of_a_connection_are_released_or_single_ones_but_not_both(rolecall, held):
    assert held_changes(rolecall, "release").code == 2
    assert held_changes(rolecall, "drop", held[0], "--all").code == 2
    assert held_changes(rolecall, "release", "--all").out == "Released: 2. Refused: 0.\n"
    assert held_changes(rolecall, "show", "none").code == 3
