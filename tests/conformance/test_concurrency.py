"""Is any change lost when many ask at once?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx2

from tests.conformance.scim_client import USER, ScimClient, fresh, member_ids, values
from tests.make.served import Served

THREADS = 32


def at_once(served: Served, ask: Callable[[ScimClient, int], httpx2.Response]) -> list[httpx2.Response]:
    """Ask from as many connections at the same moment; return the answers in order of their number."""
    start = Barrier(THREADS)

    def one(number: int) -> httpx2.Response:
        with served.client() as http:
            scim = ScimClient(http)
            scim.get("/ServiceProviderConfig")  # opens the connection before the start
            start.wait()
            return ask(scim, number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def add(member):
    return {"op": "add", "path": "members", "value": [{"value": member}]}


def remove(member):
    return {"op": "remove", "path": f'members[value eq "{member}"]'}


def version(resource):
    return int(resource["meta"]["version"].strip('W/"'))


def test_members_added_at_once_are_all_there(scim, served):
    people = [scim.create_user()["id"] for _ in range(THREADS)]
    group = scim.create_group()
    answers = at_once(served, lambda client, number: client.patch(f"/Groups/{group['id']}", add(people[number])))
    assert {answer.status_code for answer in answers} == {204}
    after = scim.read(f"/Groups/{group['id']}")
    assert member_ids(after) == set(people)
    assert version(after) == version(group) + THREADS
    for person in people:
        assert values(scim.read(f"/Users/{person}")["groups"]) == {group["id"]}


def test_members_added_and_removed_at_once_are_as_each_request_said(scim, served):
    people = [scim.create_user()["id"] for _ in range(THREADS)]
    leaving, coming = set(people[::2]), set(people[1::2])
    group = scim.create_group(members=sorted(leaving))

    def ask(client, number):
        change = remove if number % 2 == 0 else add
        return client.patch(f"/Groups/{group['id']}", change(people[number]))

    assert {answer.status_code for answer in at_once(served, ask)} == {204}
    assert member_ids(scim.read(f"/Groups/{group['id']}")) == coming


def test_the_same_member_added_at_once_appears_once(scim, served):
    person = scim.create_user()["id"]
    group = scim.create_group()
    answers = at_once(served, lambda client, _: client.patch(f"/Groups/{group['id']}", add(person)))
    assert {answer.status_code for answer in answers} == {204}
    assert member_ids(scim.read(f"/Groups/{group['id']}")) == {person}


def test_different_attributes_of_one_user_changed_at_once_are_all_there(scim, served):
    user = scim.create_user()
    names = [f"urn:example:attributes:1.0:User:a{number}" for number in range(THREADS)]
    answers = at_once(
        served,
        lambda client, number: client.patch(
            f"/Users/{user['id']}", {"op": "add", "path": names[number], "value": str(number)}
        ),
    )
    assert {answer.status_code for answer in answers} == {200}
    after = scim.read(f"/Users/{user['id']}")
    assert after["urn:example:attributes:1.0:User"] == {f"a{number}": str(number) for number in range(THREADS)}


def test_of_many_that_create_the_same_user_one_succeeds(scim, served):
    name = fresh("raced")
    body = {"schemas": [USER], "userName": name}
    answers = at_once(served, lambda client, _: client.send("POST", "/Users", body))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (THREADS - 1)
    assert len(scim.search("/Users", f'userName eq "{name}"')) == 1


def test_of_many_that_changed_the_same_version_one_succeeds(scim, served):
    user = scim.create_user()
    read = user["meta"]["version"]
    answers = at_once(
        served,
        lambda client, number: client.patch(
            f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": str(number)}, If_Match=read
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (THREADS - 1)
    winner = next(number for number, answer in enumerate(answers) if answer.is_success)
    assert scim.read(f"/Users/{user['id']}")["title"] == str(winner)


def test_a_user_deleted_while_it_is_added_to_groups_leaves_no_trace(scim, served):
    user = scim.create_user()
    groups = [scim.create_group() for _ in range(THREADS)]

    def ask(client, number):
        if number == THREADS // 2:
            return client.send("DELETE", f"/Users/{user['id']}")
        return client.patch(f"/Groups/{groups[number]['id']}", add(user["id"]))

    answers = at_once(served, ask)
    assert {answer.status_code for answer in answers} <= {204, 400}
    assert answers[THREADS // 2].status_code == 204
    for group in groups:
        assert member_ids(scim.read(f"/Groups/{group['id']}")) == set()
