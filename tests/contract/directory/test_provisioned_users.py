"""What may an identity provider do with users, on either database?"""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor, ActorKind
from rolecall.directory import groups, provisioned_users, users
from rolecall.directory.access import find_access
from rolecall.directory.errors import BreakGlassUser, LastAdministrator, UserNameTaken
from rolecall.directory.model import Expected, ListRequest, Outcome, ProfileChange, UserId
from rolecall.directory.provisioned_users import change_user, create_user, delete_user, get_user
from rolecall.kernel.errors import Forbidden, NotFound, VersionConflict
from rolecall.kernel.predicate import And, Compare, Operator
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import (
    ANY_VERSION,
    administrator,
    local_user,
    member_ids,
    pushed_group,
    pushed_user,
    service_user,
    setting,
    user_profile,
)

EVERYTHING = ListRequest(where=None, sort_by=None, descending=False, skip=0, limit=100)
NOBODYS_ID = UserId("00000000-0000-7000-8000-00000000dead")


def shown(installed, user_id, **options):
    return installed.ask(get_user, user_id, with_memberships=True, actor=PROVISIONER, **options)


def profile_of(installed, user_id):
    return orjson.loads(shown(installed, user_id).profile)


def change(installed, user_id, expected=ANY_VERSION, **attributes):
    return installed.change(change_user, user_id, setting(**attributes), expected, actor=PROVISIONER)


def test_what_was_pushed_is_kept_as_it_was_sent(installed):
    sent = user_profile(
        "Ada@Example.com",
        name={"givenName": "Ada", "familyName": "Lovelace"},
        emails=[{"value": "Ada@Example.com", "type": "work", "primary": True}, {"value": "a@home.example"}],
        externalId="00u1",
        **{"urn:example:custom": {"cost": 1.5, "tags": ["ü", "😀"]}},
    )
    created = installed.change(create_user, sent, actor=PROVISIONER)
    assert orjson.loads(created.profile) == {**sent, "active": True}
    assert shown(installed, created.id) == created
    assert created.version == 1
    assert created.created_at == created.changed_at == installed.clock.now
    assert created.memberships == ()


def test_a_new_user_is_an_event_with_who_asked_and_in_which_request(installed):
    user_id = pushed_user(installed, "ada")
    (event,) = installed.events()
    assert event.type == "directory.user.created"
    assert event.subject_id == user_id
    assert event.data == {"user_id": user_id, "user_name": "ada"}
    assert event.request_id == PROVISIONER.request_id
    assert event.happened_at == installed.clock.now


@pytest.mark.parametrize("name", ["ada", "ADA", "ＡＤＡ", "Ada"])
def test_a_user_name_is_taken_in_every_spelling(installed, name):
    pushed_user(installed, "Ada")
    with pytest.raises(UserNameTaken) as refused:
        installed.change(create_user, user_profile(name), actor=PROVISIONER)
    assert refused.value.about == {"attribute": "userName"}
    assert installed.count_rows("directory_user") == 1
    assert installed.event_types() == ["directory.user.created"]


def test_a_composed_and_a_decomposed_name_are_one_name(installed):
    pushed_user(installed, "Åse")
    with pytest.raises(UserNameTaken):
        pushed_user(installed, "A\u030ase")


@pytest.mark.parametrize("other", [administrator, service_user])
def test_the_name_of_a_user_that_scim_may_not_own_is_taken_too(installed, other):
    other(installed, "hidden")
    with pytest.raises(UserNameTaken):
        pushed_user(installed, "HIDDEN")


def test_a_user_cannot_be_renamed_to_a_taken_name_and_nothing_of_the_change_stays(installed):
    pushed_user(installed, "ada")
    eve = pushed_user(installed, "eve", title="Spy")
    with pytest.raises(UserNameTaken):
        change(installed, eve, userName="ADA", title="Countess", emails=[{"value": "x@example.com"}])
    assert profile_of(installed, eve)["userName"] == "eve"
    assert profile_of(installed, eve)["title"] == "Spy"
    assert shown(installed, eve).version == 1
    assert installed.count_rows("user_email") == 0


def test_a_user_can_be_renamed_to_another_spelling_of_its_own_name(installed):
    ada = pushed_user(installed, "ada")
    change(installed, ada, userName="ADA")
    assert profile_of(installed, ada)["userName"] == "ADA"
    assert shown(installed, ada).version == 2


def test_the_old_name_of_a_renamed_user_is_free(installed):
    ada = pushed_user(installed, "ada")
    change(installed, ada, userName="lovelace")
    assert pushed_user(installed, "ada") != ada


def test_a_change_is_kept_counted_and_told(installed):
    ada = pushed_user(installed, "ada", title="Miss")
    installed.clock.advance(timedelta(hours=1))
    changed = change(installed, ada, title="Countess", locale="en")
    assert changed.outcomes == {0: Outcome.APPLIED}
    assert changed.thing == shown(installed, ada)
    assert changed.thing.version == 2
    assert changed.thing.changed_at - changed.thing.created_at == timedelta(hours=1)
    event = installed.events()[-1]
    assert event.type == "directory.user.changed"
    assert event.data["attributes"] == ["locale", "title"]


def test_a_change_that_changes_nothing_writes_nothing(installed):
    ada = pushed_user(installed, "ada", title="Countess")
    before = shown(installed, ada)
    installed.clock.advance(timedelta(hours=1))
    changed = change(installed, ada, title="Countess", active=True)
    assert changed.thing == before == shown(installed, ada)
    assert changed.outcomes == {0: Outcome.NO_CHANGE}
    assert installed.event_types() == ["directory.user.created"]


def test_a_change_from_a_number_to_a_truth_is_a_change(installed):
    ada = pushed_user(installed, "ada", **{"urn:example:custom": {"flag": 1}})
    change(installed, ada, **{"urn:example:custom": {"flag": True}})
    assert profile_of(installed, ada)["urn:example:custom"] == {"flag": True}
    assert profile_of(installed, ada)["urn:example:custom"]["flag"] is True


def test_a_change_of_another_version_is_refused(installed):
    ada = pushed_user(installed, "ada")
    with pytest.raises(VersionConflict):
        change(installed, ada, Expected(versions=frozenset({2})), title="Countess")
    assert change(installed, ada, Expected(versions=frozenset({1})), title="Countess").thing.version == 2


def test_a_refusal_in_the_middle_of_a_change_changes_nothing(installed):
    ada = pushed_user(installed, "ada")

    def refuse(_profile):
        raise NotFound("On purpose.")

    with pytest.raises(NotFound):
        installed.change(change_user, ada, refuse, ANY_VERSION, actor=PROVISIONER)
    assert shown(installed, ada).version == 1


def test_deactivation_and_reactivation_are_told_and_change_the_version(installed):
    ada = pushed_user(installed, "ada")
    assert change(installed, ada, active=False).thing.version == 2
    assert profile_of(installed, ada)["active"] is False
    assert change(installed, ada, active=True).thing.version == 3
    assert installed.event_types() == [
        "directory.user.created",
        "directory.user.deactivated",
        "directory.user.reactivated",
    ]
    assert installed.events()[1].data["reason"] == "scim"


def test_a_deactivated_user_keeps_its_groups_and_is_still_listed(installed):
    ada = pushed_user(installed, "ada")
    group = pushed_group(installed, "Engineers", ada)
    change(installed, ada, active=False)
    assert [membership.group_id for membership in shown(installed, ada).memberships] == [group]
    page = installed.ask(provisioned_users.list_users, EVERYTHING, with_memberships=False, actor=PROVISIONER)
    assert [user.id for user in page.items] == [ada]


def test_a_user_whose_active_is_taken_away_has_no_access_and_is_found_as_not_active(installed):
    ada = pushed_user(installed, "ada", title="Countess")

    def without_active(profile):
        after = {name: value for name, value in profile.items() if name != "active"}
        return ProfileChange(profile=after, outcomes={0: Outcome.APPLIED})

    installed.change(change_user, ada, without_active, ANY_VERSION, actor=PROVISIONER)
    assert installed.event_types()[-1] == "directory.user.deactivated"
    assert not installed.ask(find_access, ada).is_active
    inactive = Compare(path=("active",), operator=Operator.NE, value=True)
    by_scan = And(parts=(inactive, Compare(path=("title",), operator=Operator.EQ, value="Countess")))
    for where in (inactive, by_scan):
        page = installed.ask(
            provisioned_users.list_users, replace(EVERYTHING, where=where), with_memberships=False, actor=PROVISIONER
        )
        assert [user.id for user in page.items] == [ada]


def test_deactivation_together_with_another_change_is_told_as_both(installed):
    ada = pushed_user(installed, "ada")
    change(installed, ada, active=False, title="Countess")
    assert installed.event_types()[1:] == ["directory.user.changed", "directory.user.deactivated"]
    assert installed.events()[1].data["attributes"] == ["title"]


def test_a_user_that_comes_inactive_can_be_activated(installed):
    ada = pushed_user(installed, "ada", active=False)
    assert profile_of(installed, ada)["active"] is False
    change(installed, ada, active=True)
    assert profile_of(installed, ada)["active"] is True


def test_a_deleted_user_is_gone_and_its_name_is_free(installed):
    ada = pushed_user(installed, "ada", emails=[{"value": "ada@example.com"}], externalId="00u1")
    installed.change(delete_user, ada, ANY_VERSION, actor=PROVISIONER)
    with pytest.raises(NotFound):
        shown(installed, ada)
    with pytest.raises(NotFound):
        change(installed, ada, title="Ghost")
    with pytest.raises(NotFound):
        installed.change(delete_user, ada, ANY_VERSION, actor=PROVISIONER)
    assert installed.ask(provisioned_users.list_users, EVERYTHING, with_memberships=True, actor=PROVISIONER).total == 0
    assert installed.count_rows("user_email") == 0
    again = pushed_user(installed, "ADA")
    assert again != ada
    assert installed.event_types() == [
        "directory.user.created",
        "directory.user.deleted",
        "directory.user.created",
    ]


def test_deletion_empties_the_groups_of_the_user_and_raises_their_versions(installed):
    ada, eve = pushed_user(installed, "ada"), pushed_user(installed, "eve")
    inside = pushed_group(installed, "Engineers", ada, eve)
    outside = pushed_group(installed, "Builders", eve)
    installed.clock.advance(timedelta(minutes=1))
    installed.change(delete_user, ada, ANY_VERSION, actor=PROVISIONER)
    assert member_ids(installed, inside) == {eve}
    seen = installed.ask(groups.get_group, inside, with_members=False, actor=PROVISIONER)
    assert seen.version == 2
    assert seen.changed_at == installed.clock.now
    assert installed.ask(groups.get_group, outside, with_members=False, actor=PROVISIONER).version == 1
    told = [event for event in installed.events() if event.type == "directory.group.members-changed"][-1]
    assert told.data == {"group_id": inside, "display_name": "Engineers", "added": [], "removed": [ada]}


def test_deletion_of_another_version_is_refused(installed):
    ada = pushed_user(installed, "ada")
    with pytest.raises(VersionConflict):
        installed.change(delete_user, ada, Expected(versions=frozenset({9})), actor=PROVISIONER)
    assert shown(installed, ada).version == 1


@pytest.mark.parametrize("other", [local_user, service_user])
def test_users_that_scim_does_not_own_do_not_exist_for_it(installed, other):
    hidden = other(installed)
    for attempt in (
        lambda: shown(installed, hidden),
        lambda: change(installed, hidden, title="Seen"),
        lambda: installed.change(delete_user, hidden, ANY_VERSION, actor=PROVISIONER),
    ):
        with pytest.raises(NotFound) as refused:
            attempt()
        assert refused.value.detail == f"There is no user with the id {hidden}."
    assert installed.ask(provisioned_users.list_users, EVERYTHING, with_memberships=False, actor=PROVISIONER).total == 0


def test_an_id_of_nobody_is_told_in_the_same_words(installed):
    with pytest.raises(NotFound) as refused:
        shown(installed, NOBODYS_ID)
    assert refused.value.detail == f"There is no user with the id {NOBODYS_ID}."


@pytest.mark.parametrize("attributes", [{"active": False}, {"userName": "renamed"}])
def test_the_break_glass_user_cannot_be_deactivated_or_renamed(installed, attributes):
    root = administrator(installed, "root", pushed=True)
    administrator(installed, "second")
    installed.change(users.set_break_glass, root)
    with pytest.raises(BreakGlassUser):
        change(installed, root, **attributes)
    warning = installed.events()[-1]
    assert (warning.type, warning.severity) == ("directory.user.protected", "WARNING")
    assert warning.data["because"] == "break_glass"
    assert warning.subject_id == root
    assert warning.request_id == PROVISIONER.request_id


def test_the_break_glass_user_cannot_be_deleted(installed):
    root = administrator(installed, "root", pushed=True)
    administrator(installed, "second")
    installed.change(users.set_break_glass, root)
    with pytest.raises(BreakGlassUser):
        installed.change(delete_user, root, ANY_VERSION, actor=PROVISIONER)
    assert shown(installed, root)


def test_other_attributes_of_the_break_glass_user_can_change_and_the_mark_stays(installed):
    root = administrator(installed, "root", pushed=True)
    installed.change(users.set_break_glass, root)
    change(installed, root, title="Chief")
    assert profile_of(installed, root)["title"] == "Chief"
    assert installed.ask(users.find_break_glass_user).id == root


def test_the_last_administrator_cannot_be_deactivated_deleted_or_renamed(installed):
    root = administrator(installed, "root", pushed=True)
    for attributes in ({"active": False}, {"userName": "renamed"}):
        with pytest.raises(LastAdministrator):
            change(installed, root, **attributes)
    with pytest.raises(LastAdministrator):
        installed.change(delete_user, root, ANY_VERSION, actor=PROVISIONER)
    attempts = [event.data["attempt"] for event in installed.events() if event.type == "directory.user.protected"]
    assert attempts == ["deactivate", "rename", "delete"]
    assert shown(installed, root).version == 1


def test_whoever_asks_may_be_shown_itself_whatever_kind_of_user_it_is(installed):
    for user_id in (service_user(installed), local_user(installed), pushed_user(installed)):
        actor = Actor(kind=ActorKind.API_KEY, actions=PROVISIONER.actions, user_id=user_id)
        assert installed.ask(provisioned_users.get_own_user, actor=actor).id == user_id


def test_who_is_no_user_or_a_deleted_one_has_nothing_to_be_shown(installed):
    with pytest.raises(NotFound):
        installed.ask(provisioned_users.get_own_user, actor=PROVISIONER)
    ada = pushed_user(installed)
    installed.change(delete_user, ada, ANY_VERSION, actor=PROVISIONER)
    with pytest.raises(NotFound):
        installed.ask(
            provisioned_users.get_own_user,
            actor=Actor(kind=ActorKind.API_KEY, actions=PROVISIONER.actions, user_id=ada),
        )


def test_each_use_case_needs_its_action(installed_sqlite):
    installed = installed_sqlite
    ada = pushed_user(installed)
    cannot_read, cannot_write = all_but(Action.PROVISIONED_READ), all_but(Action.PROVISIONED_WRITE)
    with pytest.raises(Forbidden):
        installed.ask(get_user, ada, with_memberships=False, actor=cannot_read)
    with pytest.raises(Forbidden):
        installed.ask(provisioned_users.list_users, EVERYTHING, with_memberships=False, actor=cannot_read)
    with pytest.raises(Forbidden):
        installed.ask(provisioned_users.get_own_user, actor=cannot_read)
    with pytest.raises(Forbidden):
        installed.change(create_user, user_profile("eve"), actor=cannot_write)
    with pytest.raises(Forbidden):
        installed.change(change_user, ada, setting(title="x"), ANY_VERSION, actor=cannot_write)
    with pytest.raises(Forbidden):
        installed.change(delete_user, ada, ANY_VERSION, actor=cannot_write)
    assert shown(installed, ada).version == 1
