"""Does each connection see, change and use only what it has pushed itself?"""

from dataclasses import replace

import pytest

from rolecall.directory import groups, provisioned_users, resources, users, walks
from rolecall.directory.errors import GroupNameTaken, NoSuchMember, UserNameTaken
from rolecall.directory.model import (
    DEFAULT_CONNECTION,
    AddMembers,
    ConnectionId,
    ListRequest,
    ProfileChange,
    ResourceKind,
    Seek,
)
from rolecall.kernel.errors import NotFound
from rolecall.kernel.predicate import Compare, Operator
from rolecall.storage.totals import begin_total, total_of
from tests.make.actors import ADMINISTRATOR, PROVISIONER
from tests.make.directory import ANY_VERSION, group_profile, local_user, service_user, user_profile

OTHER = ConnectionId("00000000-0000-7000-8000-00000000000f")
OKTA = replace(PROVISIONER, connection_id=DEFAULT_CONNECTION)
ENTRA = replace(PROVISIONER, connection_id=OTHER)
KIND = ResourceKind(name="Device")
EVERYTHING = ListRequest(where=None, sort_by=None, descending=False, skip=0, limit=10)
BY_NAME = replace(EVERYTHING, sort_by=("userName",))
EXTERNAL = replace(
    EVERYTHING, where=Compare(path=("externalId",), operator=Operator.EQ, value="same", fold=False), limit=1
)
ORDERS = (EVERYTHING, BY_NAME, EXTERNAL, replace(EVERYTHING, limit=0), replace(BY_NAME, limit=1))


@pytest.fixture
def two(installed):
    """Ada and Engineers of Okta, Grace and Admirals of Entra, each with the same external id."""

    def keep_totals(tx):
        for name in ("provisioned_users", "groups"):
            begin_total(tx, total_of(name, OTHER))

    installed.change(keep_totals)

    def push(actor, user, group):
        person = installed.change(provisioned_users.create_user, user_profile(user, externalId="same"), actor=actor)
        made = installed.change(groups.create_group, group_profile(group, externalId="same"), (person.id,), actor=actor)
        return person.id, made.id

    return push(OKTA, "ada", "Engineers"), push(ENTRA, "grace", "Admirals")


def same(profile):
    return ProfileChange(profile={**profile, "displayName": "Changed"}, outcomes={})


def test_a_user_and_a_group_of_another_connection_are_not_there(installed, two):
    (ada, engineers), (grace, admirals) = two
    for actor, user, group in ((OKTA, grace, admirals), (ENTRA, ada, engineers)):
        with pytest.raises(NotFound):
            installed.ask(provisioned_users.get_user, user, with_memberships=True, actor=actor)
        with pytest.raises(NotFound):
            installed.ask(groups.get_group, group, with_members=True, actor=actor)
        for change in (
            lambda tx, user=user: provisioned_users.change_user(tx, user, same, ANY_VERSION),
            lambda tx, user=user: provisioned_users.delete_user(tx, user, ANY_VERSION),
            lambda tx, group=group: groups.change_group(tx, group, (), ANY_VERSION, with_members=False),
            lambda tx, group=group: groups.delete_group(tx, group, ANY_VERSION),
        ):
            with pytest.raises(NotFound):
                installed.change(change, actor=actor)
    assert installed.ask(provisioned_users.get_user, ada, with_memberships=True, actor=OKTA).memberships
    assert installed.ask(groups.get_group, admirals, with_members=True, actor=ENTRA).members


@pytest.mark.parametrize("request_", ORDERS)
def test_lists_walks_and_totals_hold_only_what_is_the_connection_s_own(installed, two, request_):
    for actor, (user, group) in zip((OKTA, ENTRA), two, strict=True):
        page = installed.ask(provisioned_users.list_users, request_, with_memberships=False, actor=actor)
        stretch = installed.ask(walks.walk_users, request_, Seek(), with_memberships=False, actor=actor)
        for found in (page, stretch):
            assert found.total == 1
            assert [each.id for each in found.items] == [user][: request_.limit]
        of_groups = replace(request_, sort_by=None if request_.sort_by is None else ("displayName",))
        page = installed.ask(groups.list_groups, of_groups, with_members=False, actor=actor)
        stretch = installed.ask(walks.walk_groups, of_groups, Seek(), with_members=False, actor=actor)
        for found in (page, stretch):
            assert found.total == 1
            assert [each.id for each in found.items] == [group][: request_.limit]


def test_whoever_belongs_to_no_connection_sees_what_all_have_pushed(installed, two):
    for request in (EVERYTHING, BY_NAME, replace(EVERYTHING, limit=0)):
        seen = installed.ask(provisioned_users.list_users, request, with_memberships=False, actor=PROVISIONER)
        assert seen.total == 2
    for user, group in two:
        assert installed.ask(provisioned_users.get_user, user, with_memberships=False, actor=PROVISIONER).id == user
        assert installed.ask(groups.get_group, group, with_members=False, actor=PROVISIONER).id == group
    made = installed.change(provisioned_users.create_user, user_profile("new"), actor=PROVISIONER)
    assert installed.ask(provisioned_users.get_user, made.id, with_memberships=False, actor=OKTA).id == made.id


def test_nobody_becomes_a_member_of_another_connection_s_group(installed, two):
    (ada, engineers), (grace, admirals) = two
    for member in (grace, admirals):
        for actor in (OKTA, PROVISIONER):
            with pytest.raises(NoSuchMember):
                installed.change(
                    groups.change_group,
                    engineers,
                    (AddMembers(operation=0, members=(member,)),),
                    ANY_VERSION,
                    with_members=False,
                    actor=actor,
                )
    with pytest.raises(NoSuchMember):
        installed.change(groups.create_group, group_profile("Mixed"), (grace, ada), actor=ENTRA)


def test_a_name_that_another_connection_or_a_service_user_has_is_refused_with_the_way_out(installed, two):
    service_user(installed, "robot")
    for name in ("ADA", "robot"):
        with pytest.raises(UserNameTaken, match="an administrator can link it") as refused:
            installed.change(provisioned_users.create_user, user_profile(name), actor=ENTRA)
        assert refused.value.about == {"attribute": "userName"}
    with pytest.raises(UserNameTaken) as plain:
        installed.change(provisioned_users.create_user, user_profile("ada"), actor=PROVISIONER)
    assert "link" not in plain.value.detail
    with pytest.raises(GroupNameTaken):
        installed.change(groups.create_group, group_profile("engineers"), (), actor=ENTRA)


def test_a_declared_resource_of_another_connection_is_not_there(installed):
    made = installed.change(resources.create_resource, KIND, {"serial": "1"}, actor=OKTA)
    with pytest.raises(NotFound):
        installed.ask(resources.get_resource, KIND, made.id, actor=ENTRA)
    with pytest.raises(NotFound):
        installed.change(resources.delete_resource, KIND, made.id, ANY_VERSION, actor=ENTRA)
    for actor, count in ((OKTA, 1), (ENTRA, 0), (PROVISIONER, 1)):
        assert installed.ask(resources.list_resources, KIND, EVERYTHING, actor=actor).total == count
        assert installed.ask(resources.walk_resources, KIND, EVERYTHING, Seek(), actor=actor).total == count
    assert installed.ask(resources.get_resource, KIND, made.id, actor=OKTA).id == made.id


def test_an_administrator_s_own_lists_hold_all(installed, two):
    local_user(installed, "local")
    assert installed.ask(users.list_all_users, EVERYTHING, actor=ADMINISTRATOR).total == 3
    assert installed.ask(groups.list_all_groups, EVERYTHING, actor=ADMINISTRATOR).total == 2
