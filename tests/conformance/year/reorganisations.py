"""What happens to whole groups in the year, as it is meant: renamings, mergers, splits, other mappings?"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.conformance.year.company import CLUB, COMPANY, EVERYBODY, PROJECTS_TEAM, Company
from tests.conformance.year.directory import Group
from tests.conformance.year.entra import Entra


def a_department_is_renamed_with_its_mapping_prepared(company: Company) -> None:
    """Nobody loses anything: the new name is mapped before the old one ends."""
    hq = company.part("hq")
    key = hq.group_of("department", "Sales")
    prepared = company.administrator.map("SCIM_GROUP", "NAME", "Sales and Service", ("Sales", "viewer"))
    hq.provider.rename_group(key, "Sales and Service")
    company.administrator.end_mapping(company.mapping_ids[key])
    company.mapping_ids[key] = prepared


def a_group_that_is_mapped_by_id_is_renamed(company: Company) -> None:
    """Nobody loses anything: the id stays."""
    lab = company.part("lab")
    lab.provider.rename_group(lab.group_of("department", "Optics"), "Photonics")


def a_domain_is_renamed(company: Company) -> None:
    """Everybody of one provider is called otherwise, and nobody is lost or there twice."""
    harbor = company.part("harbor")
    harbor.domain = "port.example"
    for key, person in list(harbor.provider.directory.people.items()):
        local, _, _domain = person.user_name.partition("@")
        harbor.provider.change(key, user_name=f"{local}@{harbor.domain}")


def two_departments_become_one(company: Company) -> None:
    """All of one come into the other, and its group ends."""
    hq = company.part("hq")
    hq.departments.remove("Support")
    for employee in (*hq.staff.values(), *hq.left.values()):
        if employee.department == "Support":
            employee.department = "Engineering"
    for employee in list(hq.staff.values()):
        hq.settle(employee)
    hq.provider.end_group(hq.group_of("department", "Support"))


def a_department_is_split(company: Company) -> None:
    """A new group takes half of the people, inside the group of everybody; its mapping is there before it."""
    lab = company.part("lab")
    company.administrator.make_team("Biology")
    key = lab.group_of("department", "Biology")
    company.mapping_ids[key] = company.administrator.map("SCIM_GROUP", "NAME", "BIOLOGY", ("Biology", "viewer"))
    lab.departments.append("Biology")
    lab.provider.make_group(Group(key=key, name="Biology"))
    lab.provider.nest(lab.group_of("all", EVERYBODY), key)
    chemists = [each for each in lab.staff.values() if each.department == "Chemistry"]
    for employee in chemists[::2]:
        employee.department = "Biology"
        lab.settle(employee)


def a_project_gives_another_role(company: Company) -> None:
    """Its mapping is changed."""
    hq = company.part("hq")
    mapping = company.mapping_ids[hq.group_of("project", hq.projects[0])]
    company.administrator.change_mapping(mapping, (PROJECTS_TEAM, "watcher"))


def a_mapping_ends(company: Company) -> None:
    """What a pattern gave is taken from whoever holds it by nothing else."""
    company.administrator.end_mapping(company.mapping_ids.pop("site-hq"))


def chess_players_get_something(company: Company) -> None:
    """Groups that were there all the time are mapped."""
    company.administrator.map("SCIM_GROUP", "PATTERN", f".* {CLUB}", (COMPANY, "watcher"))


def somebody_changes_companies(company: Company) -> None:
    """A user goes from one provider's connection to another's, and keeps its id and what it holds by hand."""
    hq, harbor = company.part("hq"), company.part("harbor")
    assert isinstance(harbor.provider, Entra)
    by_hand = [key for key in sorted(hq.staff) if company.model.by_hand.get(hq.provider.ids[key])]
    key = [*by_hand, *sorted(hq.staff)][0]
    user_id, person = hq.provider.ids[key], hq.provider.directory.people[key]
    hq.provider.end(key)
    del hq.staff[key]
    link = f"/scim_connections/{harbor.provider.connection_id}:link"
    company.administrator.ask("POST", link, {"user_id": user_id})
    hq.provider.hand_over(key)
    newcomer, employee = company.newcomer(harbor)
    harbor.staff[employee.key] = employee
    harbor.provider.adopt(replace(newcomer, user_name=person.user_name))
    assert harbor.provider.ids[employee.key] == user_id
    harbor.settle(employee)


REORGANISATIONS: Mapping[int, Callable[[Company], object]] = {
    38: a_department_is_renamed_with_its_mapping_prepared,
    60: a_group_that_is_mapped_by_id_is_renamed,
    94: a_domain_is_renamed,
    130: two_departments_become_one,
    170: a_department_is_split,
    205: a_project_gives_another_role,
    230: a_mapping_ends,
    255: somebody_changes_companies,
    265: chess_players_get_something,
}
"""By day of the year."""
