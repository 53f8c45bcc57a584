"""What happens to people in an ordinary week: they come, go, move, marry, change projects?"""

from collections.abc import Callable

from tests.conformance.year.authentik import Authentik
from tests.conformance.year.company import AUDITOR, SITES, Company, Part
from tests.conformance.year.entra import Entra
from tests.conformance.year.okta import Okta

Happening = Callable[[Company, Part], None]


def somebody_joins(company: Company, part: Part) -> None:
    """A newcomer is created, and put into its groups."""
    person, employee = company.newcomer(part)
    part.provider.hire(person)
    part.staff[employee.key] = employee
    part.settle(employee)


def somebody_leaves(company: Company, part: Part) -> None:
    """Access ends, in whichever way the provider has for that."""
    employee = part.staff.pop(company.chance.choice(sorted(part.staff)))
    part.provider.end(employee.key)
    part.left[employee.key] = employee
    if isinstance(part.provider, Authentik):
        del part.left[employee.key]


def somebody_comes_back(company: Company, part: Part) -> None:
    """Who left not long ago is hired again, as the same user where the provider still knows it."""
    if not part.left:
        return
    employee = part.left.pop(company.chance.choice(sorted(part.left)))
    part.leaving_days.pop(employee.key, None)
    part.provider.take_back(employee.key)
    part.staff[employee.key] = employee
    part.settle(employee)


def somebody_moves(company: Company, part: Part) -> None:
    """Another department, sometimes at another site."""
    employee = part.staff[company.chance.choice(sorted(part.staff))]
    employee.department = company.chance.choice([each for each in part.departments if each != employee.department])
    if company.chance.random() < 0.5:
        employee.site = company.chance.choice(SITES)
    part.settle(employee)


def somebody_changes_projects(company: Company, part: Part) -> None:
    """One project ends for somebody, another begins."""
    employee = part.staff[company.chance.choice(sorted(part.staff))]
    employee.projects ^= {company.chance.choice(part.projects)}
    part.settle(employee)


def somebody_marries(company: Company, part: Part) -> None:
    """Another name, by which the user is known from then on."""
    person = part.provider.directory.people[company.chance.choice(sorted(part.staff))]
    family = f"{person.family_name}-Holm"
    local, _, domain = person.user_name.partition("@")
    part.provider.change(person.key, family_name=family, user_name=f"{local}-holm@{domain}")


def somebody_takes_up_chess_or_tires_of_it(company: Company, part: Part) -> None:
    """A group that nothing maps gives nothing."""
    employee = part.staff[company.chance.choice(sorted(part.staff))]
    employee.plays_chess = not employee.plays_chess
    part.settle(employee)


def an_auditor_changes(company: Company, part: Part) -> None:
    """Somebody gets the application's role, or loses it, where the provider has such roles."""
    if not isinstance(part.provider, Entra):
        return
    key = company.chance.choice(sorted(part.staff))
    change = part.provider.take_role if part.provider.directory.people[key].roles else part.provider.give_role
    change(key, AUDITOR)


def somebody_is_pushed_again(company: Company, part: Part) -> None:
    """Nothing new is told: a profile is sent once more, or a group as a whole."""
    if isinstance(part.provider, Okta):
        part.provider.push_now(company.chance.choice(sorted(part.provider.directory.groups)))
    part.provider.update(part.provider.directory.people[company.chance.choice(sorted(part.staff))])


ORDINARY: tuple[tuple[Happening, int], ...] = (
    (somebody_joins, 10),
    (somebody_leaves, 8),
    (somebody_comes_back, 3),
    (somebody_moves, 10),
    (somebody_changes_projects, 16),
    (somebody_marries, 3),
    (somebody_takes_up_chess_or_tires_of_it, 4),
    (an_auditor_changes, 6),
    (somebody_is_pushed_again, 6),
)
"""With how often each happens beside the others."""
