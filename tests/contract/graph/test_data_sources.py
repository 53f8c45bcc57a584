"""Which systems are known, and who sees them, on either database?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from rolecall.authentication import api_keys
from rolecall.authentication.actors import authenticate
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import RoleId
from rolecall.directory import assignments, teams
from rolecall.directory.model import ROOT_TEAM, TeamDraft, TeamPolicy
from rolecall.graph import data_sources
from rolecall.graph.errors import (
    BadDataSource,
    BadProvider,
    DataSourceNameTaken,
    NoSuchProvider,
    ProviderNameTaken,
)
from rolecall.graph.model import ProviderId
from rolecall.kernel.errors import Forbidden
from tests.make.actors import ADMINISTRATOR, all_but
from tests.make.directory import ANY_VERSION, pushed_user

NOWHERE = ProviderId("00000000-0000-7000-8000-00000000dead")


def provider(installed, name="Okta", kind="okta"):
    installed.clock.advance(timedelta(seconds=1))
    return installed.change(data_sources.register_provider, name=name, kind=kind)


def data_source(installed, of, name="Production", **named):
    installed.clock.advance(timedelta(seconds=1))
    return installed.change(data_sources.register_data_source, provider_id=of.id, name=name, kind="tenant", **named)


def test_providers_and_their_data_sources_are_listed_as_they_were_registered(installed):
    okta, github = provider(installed), provider(installed, "GitHub", "custom")
    sources = (data_source(installed, okta), data_source(installed, github), data_source(installed, okta, "Test"))
    assert installed.ask(data_sources.list_providers) == (okta, github)
    assert installed.ask(data_sources.list_data_sources) == sources
    assert installed.event_types() == ["graph.provider.registered"] * 2 + ["graph.data-source.registered"] * 3


def test_names_are_unique_in_any_spelling_those_of_data_sources_within_their_provider(installed):
    okta, github = provider(installed), provider(installed, "GitHub")
    with pytest.raises(ProviderNameTaken):
        provider(installed, "OKTA")
    data_source(installed, okta)
    data_source(installed, github)
    with pytest.raises(DataSourceNameTaken):
        data_source(installed, okta, "PRODUCTION")


def test_what_cannot_be_registered_is_refused_by_field(installed_sqlite):
    for said, field in (({"name": ""}, "name"), ({"kind": "\x00"}, "type")):
        with pytest.raises(BadProvider) as refused:
            provider(installed_sqlite, **said)
        assert refused.value.about == {"attribute": field}
    okta = provider(installed_sqlite)
    with pytest.raises(BadDataSource):
        data_source(installed_sqlite, okta, name=" ")
    with pytest.raises(NoSuchProvider):
        data_source(installed_sqlite, replace(okta, id=NOWHERE))
    assert installed_sqlite.count_rows("data_source") == 0


def test_a_team_sees_the_providers_that_were_chosen_for_it_and_nothing_else(installed):
    okta, github = provider(installed), provider(installed, "GitHub")
    ours, _theirs = data_source(installed, okta), data_source(installed, github)
    sales = installed.change(teams.create_team, TeamDraft(name="Sales", provider_ids=frozenset({okta.id})))
    assert (sales.policy, sales.provider_ids) == (TeamPolicy.PROVIDER_ID_SET, {okta.id})
    assert installed.ask(teams.get_team, sales.id) == sales
    assert installed.ask(teams.list_teams)[1] == sales
    member = replace(ADMINISTRATOR, team_id=sales.id, provider_ids=sales.provider_ids)
    assert installed.ask(data_sources.list_providers, actor=member) == (okta,)
    assert installed.ask(data_sources.list_data_sources, actor=member) == (ours,)
    with pytest.raises(NoSuchProvider):
        data_source(installed, github, "Mine", actor=member)


def test_a_key_carries_what_its_team_sees_also_after_that_changed(installed):
    okta, ada = provider(installed), pushed_user(installed)
    sales = installed.change(teams.create_team, TeamDraft(name="Sales", provider_ids=frozenset()))
    for team_id in (sales.id, ROOT_TEAM):
        installed.change(assignments.assign_role, ada, role=RoleId("viewer"), team_id=team_id)
    in_sales, in_root = (
        installed.change(api_keys.create_api_key, user_id=ada, name="k", role=None, team_id=team_id).secret
        for team_id in (sales.id, ROOT_TEAM)
    )

    def seen(secret):
        return installed.ask(authenticate, secret).actor.provider_ids

    assert (seen(in_sales), seen(in_root)) == (frozenset(), None)
    for chosen in (frozenset({okta.id}), None):
        installed.change(
            teams.change_team, sales.id, lambda draft, chosen=chosen: replace(draft, provider_ids=chosen), ANY_VERSION
        )
        assert seen(in_sales) == chosen


def test_a_team_that_is_gone_sees_nothing(installed_sqlite):
    assert installed_sqlite.ask(teams.find_scope, "gone") == frozenset()


def test_a_team_cannot_be_given_a_provider_that_is_not_there(installed):
    with pytest.raises(NoSuchProvider) as refused:
        installed.change(teams.create_team, TeamDraft(name="Sales", provider_ids=frozenset({NOWHERE})))
    assert refused.value.about == {"attribute": "providers", "provider_id": NOWHERE}
    assert installed.count_rows("team") == 1


def test_each_use_case_needs_its_action(installed_sqlite):
    okta = provider(installed_sqlite)
    with pytest.raises(Forbidden):
        installed_sqlite.change(
            data_sources.register_provider, name="x", kind="x", actor=all_but(Action.PROVIDER_REGISTER)
        )
    with pytest.raises(Forbidden):
        data_source(installed_sqlite, okta, actor=all_but(Action.DATA_SOURCE_REGISTER))
    with pytest.raises(Forbidden):
        installed_sqlite.ask(data_sources.list_providers, actor=all_but(Action.PROVIDER_LIST))
    with pytest.raises(Forbidden):
        installed_sqlite.ask(data_sources.list_data_sources, actor=all_but(Action.DATA_SOURCE_LIST))
