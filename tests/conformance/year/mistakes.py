"""Which mistakes are made at the identity providers, and how are they put right on the next day?

None of them may take anything from more people than the guard of the connection lets through, as
docs/how-to/scim-connections.md has it. In the evening between, everybody is compared like on any other day: who was
not lucky has lost something, all others have not.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace

from tests.conformance.year.company import Company, Part
from tests.conformance.year.directory import Group
from tests.conformance.year.entra import Entra
from tests.conformance.year.okta import Okta
from tests.conformance.year.provider import GROUP, HTTP_CONFLICT, Provider

RETRIES = 3


def a_department_is_unassigned(company: Company) -> None:
    """Everybody of a department is deactivated and taken out of all groups."""
    hq = company.part("hq")
    before = set(hq.provider.losers)
    people = _people_of(hq, "Finance")
    for key in people:
        hq.provider.end(key)
    _most_are_spared(company, hq, [hq.provider.ids[key] for key in people], before)


def the_department_is_assigned_again(company: Company) -> None:
    """Everybody is activated and put into the groups again; what was held is dropped at once."""
    hq = company.part("hq")
    for key in _people_of(hq, "Finance"):
        hq.provider.take_back(key)
        hq.settle(hq.staff[key])
    company.administrator.decide_all(hq.provider, "drop")


def a_group_is_pushed_empty(company: Company) -> None:
    """One request would take all members out of a group; it is tried again, and recognised."""
    hq = company.part("hq")
    provider, key = hq.provider, hq.group_of("department", "Engineering")
    assert isinstance(provider, Okta)
    provider.directory.groups[key].members = set()
    for _ in range(RETRIES):
        provider.push_now(key)
    assert len(provider.held) == 1
    (held_id,) = provider.held
    shown = company.administrator.see_held(provider, held_id)
    assert shown["try_count"] == RETRIES, shown
    assert provider.told.groups[key].members


def the_group_is_pushed_as_it_was(company: Company) -> None:
    """The members are there again; the held change is dropped."""
    hq = company.part("hq")
    provider, key = hq.provider, hq.group_of("department", "Engineering")
    assert isinstance(provider, Okta)
    provider.directory.groups[key].members = set(_people_of(hq, "Engineering"))
    provider.push_now(key)
    company.administrator.decide_all(provider, "drop")


def a_group_is_emptied_and_filled_again(company: Company) -> None:
    """Member after member goes, and comes back within the hour; what was held is dropped one by one."""
    harbor = company.part("harbor")
    provider, key = harbor.provider, harbor.group_of("department", "Crews")
    before, people = set(provider.losers), _people_of(harbor, "Crews")
    provider.take_out(key, people)
    _most_are_spared(company, harbor, [provider.ids[each] for each in people], before)
    provider.put_in(key, people)
    for held_id in list(provider.held):
        company.administrator.decide(provider, held_id, "drop")


def a_group_is_deleted(company: Company) -> None:
    """A wrong click; the provider takes it as done. Nobody loses anything."""
    lab = company.part("lab")
    lab.provider.end_group(lab.group_of("department", "Optics"))
    assert len(lab.provider.held) == 1


def the_group_is_made_again(company: Company) -> None:
    """The provider makes it anew, hears that the name is in use, finds the group and fills it."""
    lab = company.part("lab")
    provider, key = lab.provider, lab.group_of("department", "Optics")
    there = provider.told.groups[key]
    body = {"schemas": [GROUP], "displayName": there.name, "externalId": key}
    answer = provider.wire.ask("POST", "/Groups", body)
    assert (answer.status, answer.body["scimType"]) == (HTTP_CONFLICT, "uniqueness"), answer
    assert provider.find("/Groups", "displayName", there.name) == provider.group_ids[key]
    provider.directory.set_group(Group(key=key, name=there.name))
    for outer in (each for each in provider.told.groups.values() if key in each.inner):
        provider.directory.groups[outer.key].inner.add(key)
    provider.put_in(key, sorted(there.members))
    company.administrator.decide_all(provider, "drop")


def a_wrong_domain_makes_strangers_of_everybody(company: Company) -> None:
    """The provider takes everybody for somebody new, creates them, and deactivates those whom it does not know."""
    harbor = company.part("harbor")
    before, people = set(harbor.provider.losers), sorted(harbor.staff)
    for key in people:
        person = deepcopy(harbor.provider.directory.people[key])
        local, _, _domain = person.user_name.partition("@")
        harbor.provider.hire(replace(person, key=f"{key}-again", user_name=f"{local}@typo.example", roles=set()))
        harbor.provider.directory.people[key].active = False
        harbor.provider.deactivate(key)
    _most_are_spared(company, harbor, [harbor.provider.ids[key] for key in people], before)


def the_domain_is_right_again(company: Company) -> None:
    """The strangers are deleted, and those who were known are activated again."""
    harbor = company.part("harbor")
    assert isinstance(harbor.provider, Entra)
    for key in sorted(harbor.staff):
        harbor.provider.forget(f"{key}-again")
        harbor.provider.take_back(key)
    company.administrator.decide_all(harbor.provider, "drop")


def a_project_ends_and_that_is_meant(company: Company) -> None:
    """Its group is deleted, which is held; an administrator sees who loses what, and releases it."""
    hq = company.part("hq")
    project = max(hq.projects, key=lambda each: len(hq.provider.told.groups[hq.group_of("project", each)].members))
    hq.projects.remove(project)
    for employee in (*hq.staff.values(), *hq.left.values()):
        employee.projects.discard(project)
    hq.provider.end_group(hq.group_of("project", project))
    ((held_id, held),) = hq.provider.held.items()
    shown = company.administrator.see_held(hq.provider, held_id)
    assert shown["http_status"] == 204, shown
    assert {each["user_id"] for each in shown["radius"]["lost"]} == held.losing
    company.administrator.decide(hq.provider, held_id, "release")


def _people_of(part: Part, department: str) -> list[str]:
    return sorted(key for key, employee in part.staff.items() if employee.department == department)


def _most_are_spared(company: Company, part: Part, user_ids: list[str], before: set[str]) -> None:
    """See that the mistake was held, and that it took something from no more people than one day's allowance."""
    provider: Provider = part.provider
    assert provider.held, "the mistake was too small to be held"
    assert len(set(user_ids) - before) > company.allowance
    assert len(provider.losers - before) <= company.allowance


MISTAKES: Mapping[int, Callable[[Company], object]] = {
    20: a_department_is_unassigned,
    21: the_department_is_assigned_again,
    33: a_group_is_pushed_empty,
    34: the_group_is_pushed_as_it_was,
    50: a_group_is_deleted,
    51: the_group_is_made_again,
    62: a_project_ends_and_that_is_meant,
    110: a_group_is_emptied_and_filled_again,
    192: a_wrong_domain_makes_strangers_of_everybody,
    193: the_domain_is_right_again,
}
"""By day of the year."""
