"""What may an identity provider do with resources of declared kinds, on either database?"""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolecall.authorization.actions import Action
from rolecall.directory.errors import ValueTaken
from rolecall.directory.model import Expected, ListRequest, ProfileChange, ResourceId, Seek
from rolecall.directory.resources import (
    change_resource,
    create_resource,
    delete_resource,
    get_resource,
    list_resources,
    list_unprepared,
    prepare_kinds,
    walk_resources,
)
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.errors import Forbidden, NotFound, VersionConflict
from rolecall.kernel.predicate import Compare, Operator, Present, compile_matcher
from rolecall.kernel.text import comparison_form
from rolecall.scim.demands import kind_of
from tests.make.actors import ADMINISTRATOR, PROVISIONER, all_but
from tests.make.databases import KINDS, SQLITE
from tests.make.declared import attribute, type_with
from tests.make.directory import ANY_VERSION, setting
from tests.make.transactions import copy_of, installed_on

LABEL, NUMBER = attribute("label"), attribute("number", type="integer")
UNIQUE = attribute("name", uniqueness="server")
EXACT = attribute("serial", uniqueness="server", caseExact=True)
HOSTS = attribute("hosts", uniqueness="server", multiValued=True)
THINGS = kind_of(type_with(UNIQUE, EXACT, HOSTS, LABEL, NUMBER))
OTHERS = replace(THINGS, name="Other")
NOBODYS_ID = ResourceId("00000000-0000-7000-8000-00000000dead")


def profile(**attributes):
    return {"schemas": ["urn:x:Thing"], **attributes}


def created(installed, kind=THINGS, **attributes):
    return installed.change(create_resource, kind, profile(**attributes), actor=PROVISIONER)


def change(installed, resource, expected=ANY_VERSION, **attributes):
    return installed.change(
        change_resource, THINGS, resource.id, setting(**attributes), expected, actor=PROVISIONER
    ).thing


def shown(installed, resource, kind=THINGS):
    return installed.ask(get_resource, kind, resource.id, actor=PROVISIONER)


def request(where=None, sort_by=None, *, descending=False, skip=0, limit=100):
    return ListRequest(where=where, sort_by=sort_by, descending=descending, skip=skip, limit=limit)


def equal(*path, to, fold=True, operator=Operator.EQ):
    return Compare(path=path, operator=operator, value=to, fold=fold)


def listed(installed, where=None, kind=THINGS, **options):
    page = installed.ask(list_resources, kind, request(where, **options), actor=PROVISIONER)
    return [resource.id for resource in page.items]


def test_what_was_pushed_is_kept_as_it_was_sent(installed):
    sent = profile(name="A", label="Ü😀", externalId="x1", hosts=["a", "b"])
    resource = installed.change(create_resource, THINGS, sent, actor=PROVISIONER)
    assert orjson.loads(resource.profile) == sent
    assert resource.version == 1
    assert resource.created_at == resource.changed_at == installed.clock.now
    assert shown(installed, resource) == resource
    (event,) = installed.events()
    assert (event.type, event.subject_id) == ("directory.resource.created", resource.id)
    assert event.data == {"resource_id": resource.id, "resource_type": "Thing"}


def test_a_change_raises_the_version_and_tells_what_differs(installed):
    resource = created(installed, name="A", label="x")
    installed.clock.advance(timedelta(seconds=1))
    changed = change(installed, resource, label="y", number=7)
    assert changed.version == 2
    assert (changed.created_at, changed.changed_at) == (resource.created_at, installed.clock.now)
    assert shown(installed, resource) == changed
    assert installed.events()[-1].type == "directory.resource.changed"
    assert installed.events()[-1].data["attributes"] == ["label", "number"]


def test_a_change_that_changes_nothing_writes_nothing(installed):
    resource = created(installed, name="A")
    installed.clock.advance(timedelta(seconds=1))
    assert change(installed, resource, name="A") == resource
    assert installed.event_types() == ["directory.resource.created"]


def test_a_deleted_resource_is_gone_with_its_unique_values(installed):
    resource = created(installed, name="A", serial="S")
    installed.change(delete_resource, THINGS, resource.id, ANY_VERSION, actor=PROVISIONER)
    assert installed.event_types()[-1] == "directory.resource.deleted"
    assert installed.count_rows("directory_resource") == installed.count_rows("resource_value") == 0
    with pytest.raises(NotFound):
        shown(installed, resource)
    assert created(installed, name="a").id != resource.id


def test_resources_of_another_kind_do_not_exist(installed):
    other = created(installed, OTHERS, name="A")
    mine = created(installed, name="A")
    assert listed(installed) == [mine.id]
    assert listed(installed, kind=OTHERS) == [other.id]
    for use_case, rest in (
        (get_resource, ()),
        (change_resource, (setting(label="x"), ANY_VERSION)),
        (delete_resource, (ANY_VERSION,)),
    ):
        for resource_id in (other.id, NOBODYS_ID):
            with pytest.raises(NotFound, match="no Thing"):
                installed.change(use_case, THINGS, resource_id, *rest, actor=PROVISIONER)


@pytest.mark.parametrize(
    "attributes, message",
    [({"name": "Å"}, "name"), ({"serial": "S"}, "serial"), ({"hosts": ["other", "B"]}, "hosts")],
)
def test_a_unique_value_is_had_by_one_resource_only(installed, attributes, message: str):
    created(installed, name="å", serial="S", hosts=["a", "b"])
    with pytest.raises(ValueTaken, match=f"^The {message} of the Thing") as refused:
        created(installed, **attributes)
    assert refused.value.about == {"attribute": message}
    resource = created(installed, name="other", serial="s", hosts=["c"])
    with pytest.raises(ValueTaken):
        change(installed, resource, **attributes)
    assert shown(installed, resource) == resource
    assert installed.count_rows("directory_resource") == 2
    assert installed.event_types() == ["directory.resource.created"] * 2


def test_a_unique_value_that_was_given_up_is_free(installed):
    resource = created(installed, name="A", hosts=["a", "b"])
    change(installed, resource, name="B", hosts=["b", "c"])
    created(installed, name="A", hosts=["a"])
    with pytest.raises(ValueTaken):
        created(installed, hosts=["C"])
    with pytest.raises(ValueTaken):
        created(installed, hosts=["b"])


def test_a_change_of_another_version_than_was_expected_is_refused(installed):
    resource = created(installed, name="A")
    for use_case, rest in ((change_resource, (setting(label="x"),)), (delete_resource, ())):
        with pytest.raises(VersionConflict):
            installed.change(use_case, THINGS, resource.id, *rest, Expected(versions=frozenset({2})), actor=PROVISIONER)
    assert shown(installed, resource) == resource


def test_a_refusal_by_the_change_itself_changes_nothing(installed):
    resource = created(installed, name="A")

    def refuse(_profile):
        raise ValueTaken("no")

    with pytest.raises(ValueTaken):
        installed.change(change_resource, THINGS, resource.id, refuse, ANY_VERSION, actor=PROVISIONER)
    assert shown(installed, resource) == resource


def test_each_use_case_needs_its_action(installed):
    resource = created(installed, name="A")
    reading, writing = all_but(Action.PROVISIONED_READ), all_but(Action.PROVISIONED_WRITE)
    refused = (
        (reading, lambda tx: get_resource(tx, THINGS, resource.id)),
        (reading, lambda tx: list_resources(tx, THINGS, request())),
        (reading, lambda tx: walk_resources(tx, THINGS, request(), Seek())),
        (reading, lambda tx: list_unprepared(tx, [THINGS])),
        (writing, lambda tx: create_resource(tx, THINGS, profile())),
        (writing, lambda tx: change_resource(tx, THINGS, resource.id, setting(label="x"), ANY_VERSION)),
        (writing, lambda tx: delete_resource(tx, THINGS, resource.id, ANY_VERSION)),
        (all_but(Action.SETTING_CHANGE), lambda tx: prepare_kinds(tx, [THINGS])),
    )
    for actor, ask in refused:
        with pytest.raises(Forbidden):
            installed.change(ask, actor=actor)
    assert shown(installed, resource) == resource


def test_what_becomes_unique_later_is_worked_out_for_what_is_there(installed):
    before = kind_of(type_with(LABEL))
    installed.change(prepare_kinds, [before], actor=ADMINISTRATOR)
    assert installed.ask(list_unprepared, [before]) == ()
    resource = created(installed, before, label="A")
    after = kind_of(type_with(attribute("label", uniqueness="server")))
    assert installed.ask(list_unprepared, [before, after]) == (after,)
    installed.change(prepare_kinds, [after], actor=ADMINISTRATOR)
    assert installed.ask(list_unprepared, [after]) == ()
    assert listed(installed, equal("label", to="a"), kind=after) == [resource.id]
    with pytest.raises(ValueTaken):
        created(installed, after, label="a")
    installed.change(prepare_kinds, [before], actor=ADMINISTRATOR)
    assert installed.count_rows("resource_value") == 0


def test_what_is_there_twice_cannot_become_unique(installed):
    for _ in range(2):
        created(installed, kind_of(type_with(LABEL)), label="A")
    after = kind_of(type_with(attribute("label", uniqueness="server")))
    with pytest.raises(ValueTaken, match="label"):
        installed.change(prepare_kinds, [after], actor=ADMINISTRATOR)
    assert installed.ask(list_unprepared, [after]) == (after,)
    assert installed.count_rows("resource_value") == 0


CONDITIONS = st.sampled_from(
    [
        None,
        equal("name", to="a1"),
        equal("name", to="A1"),
        equal("name", to="a1", fold=False),
        equal("name", to=""),
        equal("name", to="a", operator=Operator.SW),
        equal("name", to="a1", operator=Operator.NE),
        equal("name", to=None, fold=False),
        equal("serial", to="S1", fold=False),
        equal("serial", to="s1", fold=False),
        equal("serial", to="s1"),
        equal("hosts", to="H1"),
        equal("externalId", to="x1", fold=False),
        equal("number", to=1, fold=False),
        equal("number", to=1, fold=False, operator=Operator.GT),
        Present(path=("name",)),
        Present(path=("label",)),
        Present(path=("meta", "created")),
    ]
)
ORDERS = st.sampled_from([None, ("id",), ("externalId",), ("name",), ("number",), ("meta", "lastModified")])
PROFILES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["A1", "a1", "b", "Å"]),
            "serial": st.sampled_from(["S1", "s1"]),
            "hosts": st.lists(st.sampled_from(["h1", "H1", "h2"]), min_size=1),
            "externalId": st.sampled_from(["x1", "x2"]),
            "label": st.sampled_from(["l", "L"]),
            "number": st.integers(0, 3),
        },
    ),
    max_size=6,
)


@pytest.fixture(scope="module", params=KINDS)
def shared(request):
    """A database that the examples of the laws share; each takes its rows back."""
    if request.param == SQLITE:
        with copy_of(request.getfixturevalue("sqlite_template")) as database, installed_on(database) as installed:
            yield installed
        return
    template = request.getfixturevalue("postgresql_template")
    template.empty()
    with installed_on(template.database) as installed:
        yield installed


class Undo(Exception):
    """Takes back what an example has done."""


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(profiles=PROFILES, where=CONDITIONS, sort_by=ORDERS, descending=st.booleans(), size=st.integers(1, 3))
def test_lists_and_walks_show_what_the_condition_selects_in_order(shared, profiles, where, sort_by, descending, size):
    def example(tx):
        documents = {}
        for number, attributes in enumerate(profiles):
            then = replace(tx, now=tx.now + timedelta(seconds=number))
            if _clashes(attributes, documents.values()):
                continue
            made = create_resource(then, THINGS, profile(**attributes))
            instant = to_rfc3339(made.created_at)
            documents[made.id] = {**attributes, "id": made.id, "meta": {"created": instant, "lastModified": instant}}
        matches = compile_matcher(where) if where is not None else lambda _document: True
        expected = {key for key, document in documents.items() if matches(document)}
        page = list_resources(tx, THINGS, request(where, sort_by, descending=descending))
        assert [resource.id for resource in page.items] == _in_order(
            [documents[key] for key in sorted(expected)], sort_by, descending=descending
        )
        assert page.total == len(expected)
        assert _walked(tx, request(where, sort_by, descending=descending, limit=size)) == [
            resource.id for resource in page.items
        ]
        raise Undo

    with pytest.raises(Undo):
        shared.change(example)


def _in_order(documents, sort_by, *, descending):
    """By id; by a value, what has none comes last, or first when descending, and equals stay by id."""
    if sort_by in {None, ("id",)}:
        return [document["id"] for document in (reversed(documents) if descending else documents)]
    keys = {document["id"]: _sort_key(document, sort_by) for document in documents}
    there = [document["id"] for document in documents if keys[document["id"]] is not None]
    absent = [document["id"] for document in documents if keys[document["id"]] is None]
    there.sort(key=lambda name: keys[name], reverse=descending)
    return absent + there if descending else there + absent


def _sort_key(document, path):
    for name in path:
        document = document.get(name) if document is not None else None
    return comparison_form(document) if isinstance(document, str) and path == ("name",) else document


def _clashes(attributes, others):
    def values(document):
        names = {("name", comparison_form(document["name"]))} if "name" in document else set()
        serials = {("serial", document["serial"])} if "serial" in document else set()
        return names | serials | {("host", comparison_form(host)) for host in document.get("hosts", [])}

    return any(values(attributes) & values(other) for other in others)


def _walked(tx, wanted):
    seek, found = Seek(), []
    while seek is not None:
        stretch = walk_resources(tx, THINGS, wanted, seek)
        found += [resource.id for resource in stretch.items]
        seek = stretch.after
    return found


def test_a_page_is_a_part_of_the_list_with_the_total_of_all(installed):
    ids = sorted(created(installed, name=f"n{number}").id for number in range(5))
    page = installed.ask(list_resources, THINGS, request(skip=1, limit=2), actor=PROVISIONER)
    assert ([resource.id for resource in page.items], page.total) == (ids[1:3], 5)


def test_the_outcome_of_each_operation_comes_back(installed):
    resource = created(installed, name="A")
    before = ProfileChange(profile=profile(name="B"), outcomes={})
    changed = installed.change(
        change_resource, THINGS, resource.id, lambda _profile: before, ANY_VERSION, actor=PROVISIONER
    )
    assert changed.outcomes == {}
    assert changed.thing.version == 2
