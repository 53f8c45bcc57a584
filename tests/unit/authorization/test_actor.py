"""Does an actor stay who it is when it makes a request?"""

from dataclasses import fields, replace

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor, ActorKind, PushScope

ACTOR = Actor(
    kind=ActorKind.API_KEY,
    actions=frozenset({Action.TEAM_LIST}),
    user_id="u",
    user_name="ada",
    api_key_id="k",
    team_id="t",
    connection_id="c",
    push_scope=PushScope(users=("*@example.com",)),
    provider_ids=frozenset({"p"}),
)


def test_who_makes_a_request_stays_the_same_in_all_but_the_request():
    assert all(getattr(ACTOR, each.name) is not None for each in fields(ACTOR) if each.name != "request_id")
    assert ACTOR.asking("r") == replace(ACTOR, request_id="r")
