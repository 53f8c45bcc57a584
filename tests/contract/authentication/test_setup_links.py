"""How does the first administrator come in, on either database?"""

import asyncio
from datetime import timedelta

import pytest

from rolecall.authentication.actors import authenticate
from rolecall.authentication.errors import AlreadySetUp, SetupLinkExpired
from rolecall.authentication.setup_links import check_setup_link, create_setup_link, redeem_setup_link
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import SYSTEM
from rolecall.directory import users
from rolecall.directory.assignments import count_administrators
from rolecall.directory.errors import BadUser
from rolecall.kernel.errors import Forbidden
from tests.make.actors import all_but
from tests.make.directory import administrator

AN_HOUR = timedelta(hours=1)
FIELDS = {
    "user_name": "grace",
    "given_name": "Grace",
    "family_name": "Hopper",
    "display_name": "Grace Hopper",
    "email": "grace@example.com",
}


def redeem(installed, token, **other):
    return installed.change(redeem_setup_link, token, actor=SYSTEM, **{**FIELDS, **other})


def test_the_first_administrator_is_the_break_glass_user_and_gets_a_key(installed):
    token = installed.change(create_setup_link)
    installed.ask(check_setup_link, token)
    made = redeem(installed, token)
    root = installed.ask(users.get_user_by_name, "grace")
    assert root.break_glass
    assert installed.ask(authenticate, made.secret).actor.actions == frozenset(Action)
    assert installed.ask(count_administrators) == 1
    assert installed.event_types() == [
        "authentication.setup-link.created",
        "directory.user.created",
        "directory.role.assigned",
        "directory.user.break-glass-moved",
        "authentication.setup.completed",
        "authentication.api-key.created",
    ]


def test_only_a_hash_of_a_link_is_in_the_database(installed):
    token = installed.change(create_setup_link)
    rows = installed.ask(lambda tx: tx.connection.execute("SELECT * FROM setup_link").fetchall())
    assert len(rows) == 1
    assert token not in str(rows)
    assert token not in str(installed.events())


def test_a_link_works_for_an_hour(installed):
    token = installed.change(create_setup_link)
    installed.clock.advance(AN_HOUR - timedelta(microseconds=1))
    installed.ask(check_setup_link, token)
    installed.clock.advance(timedelta(microseconds=1))
    with pytest.raises(SetupLinkExpired):
        installed.ask(check_setup_link, token)
    with pytest.raises(SetupLinkExpired):
        redeem(installed, token)
    assert installed.ask(count_administrators) == 0
    assert redeem(installed, installed.change(create_setup_link))


def test_a_link_works_once(installed):
    token = installed.change(create_setup_link)
    redeem(installed, token)
    with pytest.raises(SetupLinkExpired):
        installed.ask(check_setup_link, token)
    with pytest.raises(SetupLinkExpired):
        redeem(installed, token, user_name="second")
    assert installed.ask(count_administrators) == 1


def test_a_link_that_is_used_twice_at_once_works_once(installed):
    token = installed.change(create_setup_link)

    async def both():
        def use(name):
            return installed.transactions.write(
                SYSTEM, lambda tx: redeem_setup_link(tx, token, **{**FIELDS, "user_name": name})
            )

        return await asyncio.gather(use("one"), use("two"), return_exceptions=True)

    answers = asyncio.run(both())
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [SetupLinkExpired]
    assert installed.ask(count_administrators) == 1


def test_a_new_link_ends_the_one_before(installed):
    first, second = installed.change(create_setup_link), installed.change(create_setup_link)
    assert first != second
    with pytest.raises(SetupLinkExpired):
        redeem(installed, first)
    redeem(installed, second)


@pytest.mark.parametrize("token", ["", "nothing", "x" * 43])
def test_what_is_no_link_is_told_like_one_that_has_ended(installed, token):
    with pytest.raises(SetupLinkExpired):
        installed.ask(check_setup_link, token)
    with pytest.raises(SetupLinkExpired):
        redeem(installed, token)


def test_a_mistake_in_the_form_does_not_use_the_link_up(installed):
    token = installed.change(create_setup_link)
    with pytest.raises(BadUser):
        redeem(installed, token, email="")
    redeem(installed, token)


def test_an_installation_with_an_administrator_makes_no_link_and_takes_none(installed):
    token = installed.change(create_setup_link)
    administrator(installed)
    with pytest.raises(AlreadySetUp):
        installed.change(create_setup_link)
    with pytest.raises(AlreadySetUp):
        redeem(installed, token)
    assert installed.ask(count_administrators) == 1


def test_making_and_using_a_link_needs_its_action(installed_sqlite):
    token = installed_sqlite.change(create_setup_link)
    for attempt in (
        lambda: installed_sqlite.change(create_setup_link, actor=all_but(Action.USER_CREATE)),
        lambda: installed_sqlite.change(redeem_setup_link, token, actor=all_but(Action.USER_CREATE), **FIELDS),
    ):
        with pytest.raises(Forbidden):
            attempt()
