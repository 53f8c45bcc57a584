"""Are changes of users and groups told in security event tokens that a receiver can check, on either database?"""

from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from rolecall.directory import groups, installation, provisioned_users
from rolecall.directory.model import RemoveMembers
from rolecall.notifications import deliveries
from rolecall.notifications.errors import BadSubscription
from rolecall.notifications.model import Channel, DeliveryState, Wanted
from rolecall.notifications.tokens import key_set
from tests.make.actors import PROVISIONER
from tests.make.directory import (
    ANY_VERSION,
    change_members,
    local_user,
    pushed_group,
    pushed_user,
    service_user,
    setting,
)
from tests.make.notifications import carry_out, key_ring, senders, subscribed
from tests.make.receivers import answering, receiving

ISSUER = "https://rolecall.example.com"
PROV = "urn:ietf:params:scim:event:prov:"


@pytest.fixture
def keys(installed, tmp_path):
    installed.change(installation.set_public_url, ISSUER)
    return key_ring(installed, tmp_path)


def told(came, keys):
    """Return the claims of each token that came, checked as a receiver does."""
    published = KeySet.import_key_set(key_set(keys))
    return [jwt.decode(each.body.decode(), published, algorithms=["ES256"]).claims for each in came]


def uris(claims):
    return [uri.removeprefix(PROV) for each in claims for uri in each["events"]]


def live(installed):
    """Let a user and a group live from their first to their last day; return their ids."""
    ada = pushed_user(installed, "ada", externalId="x-ada")
    team = pushed_group(installed, "Engineers", ada)
    for change in (setting(title="Dr"), setting(active=False), setting(active=True)):
        installed.change(provisioned_users.change_user, ada, change, ANY_VERSION, actor=PROVISIONER)
    change_members(installed, team, RemoveMembers(operation=0, members=(ada,)))
    installed.change(groups.delete_group, team, ANY_VERSION, actor=PROVISIONER)
    installed.change(provisioned_users.delete_user, ada, ANY_VERSION, actor=PROVISIONER)
    return ada, team


@pytest.mark.parametrize(
    "channel, wanted",
    [
        (Channel.SCIM_NOTICE, ["create:notice", "create:notice", "patch:notice", "patch:notice"]),
        (Channel.SCIM_FULL, ["create:full", "create:full", "patch:full", "put:full"]),
    ],
)
def test_a_life_is_told_in_signed_tokens_and_what_is_no_scim_resource_is_not(installed, keys, channel, wanted):
    with receiving(answering(202)) as receiver:
        subscribed(installed, keys, channel=channel, url=f"{receiver.url}/events", authorization="Bearer x")
        ada, team = live(installed)
        local_user(installed)
        service_user(installed)
        carry_out(installed, senders(installed, keys))
    claims = sorted(told(receiver.came, keys), key=lambda each: each["jti"])
    rest = ["deactivate", "activate", "patch:" + channel.value.removeprefix("scim_"), "delete", "delete"]
    assert sorted(uris(claims)) == sorted([*wanted, *rest])
    for each in claims:
        assert each.keys() == {"iss", "aud", "jti", "iat", "txn", "sub_id", "events"}
        assert (each["iss"], each["aud"]) == (ISSUER, f"{receiver.url}/events")
        assert (each["txn"], each["iat"]) == (PROVISIONER.request_id, int(installed.clock.now.timestamp()))
        assert each["sub_id"]["uri"] in {f"/Users/{ada}", f"/Groups/{team}"}
    assert len({each["jti"] for each in claims}) == len(claims)
    for came in receiver.came:
        assert came.headers["content-type"] == "application/secevent+jwt"
        assert came.headers["accept"] == "application/json"
        assert came.headers["authorization"] == "Bearer x"
    log = installed.ask(deliveries.list_deliveries, limit=100)
    assert {each.state for each in log} == {DeliveryState.DELIVERED}


def test_values_are_told_as_they_are_after_the_change_and_no_password_is(installed, keys):
    with receiving(answering(202)) as receiver:
        subscribed(installed, keys, channel=Channel.SCIM_FULL, url=receiver.url)
        ada = pushed_user(installed, "ada", externalId="x-ada", title="Dr", password="secret")  # to be seen nowhere
        carry_out(installed, senders(installed, keys))
    (claims,) = told(receiver.came, keys)
    (said,) = claims["events"].values()
    assert said["version"] == 'W/"1"'
    assert (said["data"]["id"], said["data"]["userName"], said["data"]["title"]) == (ada, "ada", "Dr")
    assert "password" not in said["data"]
    assert claims["sub_id"] == {"format": "scim", "uri": f"/Users/{ada}", "externalId": "x-ada"}


def test_a_refused_token_comes_again_with_the_same_claims(installed, keys):
    with receiving(answering(400, '{"err": "invalid_key"}')) as receiver:
        subscribed(installed, keys, channel=Channel.SCIM_NOTICE, url=receiver.url)
        pushed_user(installed, "ada")
        using = senders(installed, keys)
        carry_out(installed, using)
        keys.rotate(installed.clock.now)
        installed.clock.advance(timedelta(hours=1))
        receiver.answer = answering(202)
        carry_out(installed, using)
    first, second = told(receiver.came, keys)
    assert first == second
    (delivery,) = installed.ask(deliveries.list_deliveries, limit=100)
    assert (delivery.state, delivery.attempt_count, delivery.status) == (DeliveryState.DELIVERED, 2, 202)


def test_only_wanted_types_are_told(installed, keys):
    subscribed(
        installed,
        keys,
        channel=Channel.SCIM_NOTICE,
        url="http://127.0.0.1:1/",
        wanted=Wanted(types=("directory.group.*",)),
    )
    pushed_user(installed, "ada")
    pushed_group(installed, "Engineers")
    log = installed.ask(deliveries.list_deliveries, limit=100)
    assert [each.event_type for each in log] == ["directory.group.created"]


def test_a_test_is_a_verification_event(installed, keys):
    with receiving(answering(202)) as receiver:
        made = subscribed(installed, keys, channel=Channel.SCIM_NOTICE, url=receiver.url)
        installed.change(deliveries.send_test, made.subscription.id)
        carry_out(installed, senders(installed, keys))
    (claims,) = told(receiver.came, keys)
    assert claims["sub_id"] == {"format": "opaque", "id": made.subscription.id}
    assert made.signing_key is None


def test_without_a_public_address_nobody_could_check_who_tells(installed, tmp_path):
    with pytest.raises(BadSubscription) as refused:
        subscribed(installed, key_ring(installed, tmp_path), channel=Channel.SCIM_NOTICE, url="http://127.0.0.1:1/")
    assert refused.value.about["attribute"] == "channel"
