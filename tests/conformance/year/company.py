"""Which company is it: its people, what each provider's groups are made of, and what they are mapped to?"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.conformance.year.administrator import Administrator
from tests.conformance.year.authentik import Authentik
from tests.conformance.year.directory import Group, Person
from tests.conformance.year.entra import Entra
from tests.conformance.year.model import Model
from tests.conformance.year.okta import Okta
from tests.conformance.year.provider import Provider
from tests.conformance.year.wire import SCIM, Wire

SITES = ("north", "south", "coast")
PARTS = (
    ("hq", Okta, 0.5, False, ("Sales", "Finance", "Support", "Engineering")),
    ("harbor", Entra, 0.3, True, ("Crews", "Works", "Customs")),
    ("lab", Authentik, 0.2, True, ("Optics", "Chemistry")),
)
"""Name, provider, share of the people, whether the group of everybody holds groups, and departments."""

PROJECTS = 5
LEAST_ALLOWANCE = 4
PEOPLE_FOR_ONE_LOSER = 40
COMPANY, SITES_TEAM, PROJECTS_TEAM = "Company", "Sites", "Projects"
EVERYBODY = "everybody"
CLUB = "chess club"
AUDITOR = "Auditor"
GIVEN = ("Ada", "Bo", "Chidi", "Dora", "Emil", "Fay", "Goran", "Hana", "Ines", "Jun", "Kofi", "Lea", "Mira", "Noor")
FAMILY = ("Berg", "Costa", "Diaz", "Eriksen", "Fischer", "Gray", "Haddad", "Ito", "Jansen", "Kovac", "Lund", "Moreau")


@dataclass(slots=True, kw_only=True)
class Employee:
    """Somebody who works in one part of the company, as the company sees it."""

    key: str
    department: str
    site: str
    projects: set[str] = field(default_factory=set)
    plays_chess: bool = False


@dataclass(slots=True, kw_only=True)
class Part:
    """One part of the company, with an identity provider of its own."""

    name: str
    provider: Provider
    domain: str
    departments: list[str]
    projects: list[str]
    nests: bool
    """Whether the group of everybody holds the departments' groups instead of people."""
    staff: dict[str, Employee] = field(default_factory=dict)
    left: dict[str, Employee] = field(default_factory=dict)
    """Who left, and is still known to the provider."""
    leaving_days: dict[str, int] = field(default_factory=dict)
    numbers: int = 0
    """How many people were ever hired."""

    def group_of(self, kind: str, name: str) -> str:
        """Return the key of one of its groups."""
        return f"{self.name}/{kind}/{name}"

    def groups_of(self, employee: Employee) -> set[str]:
        """Return the keys of all groups that somebody has to be in, directly."""
        groups = {self.group_of("department", employee.department), self.group_of("site", employee.site)}
        groups |= {self.group_of("project", project) for project in employee.projects}
        if not self.nests:
            groups.add(self.group_of("all", EVERYBODY))
        if employee.plays_chess:
            groups.add(self.group_of("club", CLUB))
        return groups

    def settle(self, employee: Employee) -> None:
        """Bring somebody into the groups where it belongs, and out of the others: first in, then out."""
        wanted = self.groups_of(employee)
        there = {key for key, group in self.provider.directory.groups.items() if employee.key in group.members}
        for key in sorted(wanted - there):
            self.provider.put_in(key, [employee.key])
        for key in sorted(there - wanted):
            self.provider.take_out(key, [employee.key])


@dataclass(slots=True, kw_only=True)
class Company:
    """All parts, and Rolecall's administrator."""

    parts: list[Part]
    administrator: Administrator
    model: Model
    chance: random.Random
    allowance: int
    """So many people may lose something each day by what one provider pushes."""
    mapping_ids: dict[str, str] = field(default_factory=dict)
    """By key of the group that they are made for."""

    def part(self, name: str) -> Part:
        """Return one of its parts."""
        return next(part for part in self.parts if part.name == name)

    def newcomer(self, part: Part) -> tuple[Person, Employee]:
        """Make up somebody who is to work there."""
        part.numbers += 1
        key = f"{part.name}-{part.numbers:05}"
        given, family = self.chance.choice(GIVEN), self.chance.choice(FAMILY)
        name = f"{given}.{family}.{part.numbers}@{part.domain}".lower()
        person = Person(key=key, user_name=name, given_name=given, family_name=family)
        employee = Employee(key=key, department=self.chance.choice(part.departments), site=self.chance.choice(SITES))
        employee.projects = set(self.chance.sample(part.projects, self.chance.choice((0, 1, 1, 2))))
        employee.plays_chess = self.chance.random() < 0.1
        return person, employee


@contextmanager
def founded(url: str, key: str, command: Callable[..., str], people: int, chance: random.Random) -> Iterator[Company]:
    """Set up Rolecall for the company, and push all three parts for the first time; close all wires in the end."""
    model = Model()
    administrator = Administrator(url, key, command, model)
    allowance = max(LEAST_ALLOWANCE, people // PEOPLE_FOR_ONE_LOSER)
    company = Company(parts=[], administrator=administrator, model=model, chance=chance, allowance=allowance)
    try:
        _found(company, url, people)
        yield company
    finally:
        administrator.close()
        for part in company.parts:
            part.provider.wire.close()


def _found(company: Company, url: str, people: int) -> None:
    for name, kind, _share, nests, departments in PARTS:
        connection_id, access_key = company.administrator.connect(name)
        wire = Wire(f"{url}/scim/v2", access_key, SCIM, kind.__name__)
        part = Part(
            name=name,
            provider=kind(name, connection_id, wire, company.model),
            domain=f"{name}.example",
            departments=list(departments),
            projects=[f"{name} project {number}" for number in range(1, PROJECTS + 1)],
            nests=nests,
        )
        company.parts.append(part)
    _make_teams(company)
    for part, (_name, _kind, share, _nests, _departments) in zip(company.parts, PARTS, strict=True):
        _push_first(company, part, int(people * share))
        _map_part(company, part)
    _map_across(company)
    _assign_by_hand(company)


def _make_teams(company: Company) -> None:
    departments = [department for part in company.parts for department in part.departments]
    for name in (COMPANY, SITES_TEAM, PROJECTS_TEAM, *departments):
        company.administrator.make_team(name)


def _push_first(company: Company, part: Part, people: int) -> None:
    for _ in range(people):
        person, employee = company.newcomer(part)
        part.staff[employee.key] = employee
        part.provider.hire(person)
    names = {part.group_of("department", each): each for each in part.departments}
    names |= {part.group_of("site", each): f"site-{part.name}-{each}" for each in SITES}
    names |= {part.group_of("project", each): each for each in part.projects}
    names |= {part.group_of("club", CLUB): f"{part.name} {CLUB}"}
    for key, name in names.items():
        members = {employee.key for employee in part.staff.values() if key in part.groups_of(employee)}
        part.provider.make_group(Group(key=key, name=name, members=members))
    everybody = Group(key=part.group_of("all", EVERYBODY), name=f"{part.name} {EVERYBODY}")
    if part.nests:
        everybody.inner = {part.group_of("department", each) for each in part.departments}
    else:
        everybody.members = set(part.staff)
    part.provider.make_group(everybody)


def _map_part(company: Company, part: Part) -> None:
    """Map departments by name, by name in another spelling, or by the provider's id; projects by id."""
    provider, to = part.provider, company.mapping_ids
    for department in part.departments:
        key = part.group_of("department", department)
        kind, value = {"hq": ("NAME", department), "harbor": ("NAME", department.upper()), "lab": ("ID", key)}[
            part.name
        ]
        to[key] = company.administrator.map("SCIM_GROUP", kind, value, (department, "viewer"))
    for number, project in enumerate(part.projects):
        key = part.group_of("project", project)
        value = key if provider.has_external_ids else provider.group_ids[key]
        # Whoever is also in that department holds its role by two groups.
        shared = part.departments[number % len(part.departments)]
        to[key] = company.administrator.map("SCIM_GROUP", "ID", value, (PROJECTS_TEAM, "operator"), (shared, "viewer"))
    key = part.group_of("all", EVERYBODY)
    to[key] = company.administrator.map("SCIM_GROUP", "NAME", f"{part.name} {EVERYBODY}", (COMPANY, "viewer"))


def _map_across(company: Company) -> None:
    """Map what groups of all three providers give, by patterns, and a role of the application."""
    company.administrator.map("SCIM_GROUP", "PATTERN", "site-[a-z]+-(north|south)", (SITES_TEAM, "viewer"))
    to = company.mapping_ids
    to["site-hq"] = company.administrator.map("SCIM_GROUP", "PATTERN", "site-hq-.*", (SITES_TEAM, "watcher"))
    company.administrator.map("SCIM_ROLE", "NAME", AUDITOR, (COMPANY, "access_reviewer"))


def _assign_by_hand(company: Company) -> None:
    """Give somebody by hand what it holds by a group as well, and nobody else anything."""
    hq = company.part("hq")
    first = min(hq.staff)
    company.administrator.assign(hq.provider, first, (hq.staff[first].department, "viewer"))
