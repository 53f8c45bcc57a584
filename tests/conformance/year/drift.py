"""What goes wrong between a provider and Rolecall, and does a repair by the provider's export bring all of it back?

As docs/how-to/drift.md has it: compare, look, preview, repair, compare once more.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from tests.conformance.year.company import EVERYBODY, Company, Employee, Part
from tests.conformance.year.directory import Directory
from tests.conformance.year.happenings import somebody_leaves
from tests.conformance.year.model import Holding, Target
from tests.conformance.year.provider import GROUP, USER, patch

ROUNDS = 3
"""Members who are missing themselves are found only once they are there."""


def pushes_are_lost(company: Company) -> None:
    """Of each provider, a joiner, a leaver and a mover never arrive; nothing of it is tried again."""
    for part in company.parts:
        directory = part.provider.directory
        person, joiner = company.newcomer(part)
        directory.set_person(person)
        part.staff[joiner.key] = joiner
        _sort_in(directory, part, joiner)
        leaver, mover = _some(company, part, 2)
        directory.drop_person(leaver)
        del part.staff[leaver]
        moving = part.staff[mover]
        moving.department = next(each for each in part.departments if each != moving.department)
        _sort_in(directory, part, moving)
        found = repair(company, part)
        assert found["USER_MISSING"] == 1, found
        assert found["USER_EXTRA"] == 1, found
        assert found["MEMBER_MISSING"] >= 1, found
        assert found["MEMBER_EXTRA"] >= 1, found


def an_administrator_changes_what_a_provider_owns(company: Company) -> None:
    """Somebody is deactivated here, somebody who left is let in again, and somebody is deleted."""
    hq = company.part("hq")
    somebody_leaves(company, hq)
    ended, deleted = _some(company, hq, 2)
    back = min(hq.left)
    provider, administrator = hq.provider, company.administrator
    administrator.ask("POST", f"/users/{provider.ids[ended]}:deactivate", {"reason": "by mistake"})
    administrator.ask("POST", f"/users/{provider.ids[back]}:reactivate")
    administrator.change_resource("DELETE", f"/Users/{provider.ids[deleted]}")
    provider.replaced.add(provider.ids[deleted])
    found = repair(company, hq)
    assert (found["USER_MISSING"], found["USER_DIFFERENT"]) == (1, 2), found


def groups_are_changed_here(company: Company) -> None:
    """By an administrator's key, groups are deleted, renamed and emptied, and somebody gets another name.

    By the provider's key, somebody is made up, with a group, and put into another.
    """
    lab, change = company.part("lab"), company.administrator.change_resource
    provider, wire = lab.provider, lab.provider.wire
    ids = {name: provider.group_ids[lab.group_of("department", name)] for name in ("Optics", "Chemistry")}
    name = "mallory@elsewhere.example"
    stranger = wire.ask("POST", "/Users", {"schemas": [USER], "userName": name}).body["id"]
    provider.strays[stranger] = Holding(user_name=name, active=False, held=frozenset())
    own = {"schemas": [GROUP], "displayName": "Made up", "members": [{"value": stranger}]}
    assert wire.ask("POST", "/Groups", own).is_success
    change("DELETE", f"/Groups/{ids['Chemistry']}")
    everybody = provider.group_ids[lab.group_of("all", EVERYBODY)]
    change("PATCH", f"/Groups/{everybody}", patch(_set("displayName", "Someone else's")))
    change("PATCH", f"/Groups/{ids['Optics']}", patch(_set("members", [{"value": stranger}])))
    (renamed,) = _some(company, lab, 1)
    change("PATCH", f"/Users/{provider.ids[renamed]}", patch(_set("displayName", "Mallory")))
    found = repair(company, lab)
    kinds = ("GROUP_MISSING", "GROUP_DIFFERENT", "GROUP_EXTRA", "USER_EXTRA", "USER_DIFFERENT")
    assert [found[kind] for kind in kinds] == [1] * len(kinds), found
    assert found["MEMBER_EXTRA"] >= 1, found
    assert found["MEMBER_MISSING"] > 1, found


def nothing_has_drifted(company: Company) -> None:
    """Of no provider does the export differ from what is here."""
    for part in company.parts:
        found = _compare(company, part)
        assert not found, f"{part.name}: {found}"


def repair(company: Company, part: Part) -> Counter[str]:
    """Compare with the provider's export, preview, repair, and so on until nothing differs; return what did."""
    total: Counter[str] = Counter()
    for _ in range(ROUNDS):
        found = _compare(company, part)
        if not found:
            break
        total += found
        _repair_what_was_found(company, part, found)
    else:
        raise AssertionError(f"{part.name}: not repaired in {ROUNDS} rounds: {total}")
    _know_what_was_repaired(company, part)
    return total


def _repair_what_was_found(company: Company, part: Part, found: Counter[str]) -> None:
    """See that a preview changes nothing, and that it foretells who gains and who loses what."""
    provider, administrator = part.provider, company.administrator
    known = [*(provider.ids[key] for key in provider.told.people), *provider.strays]
    choice = {"connection_id": provider.connection_id}
    before = administrator.see_all(known)
    foretold = administrator.ask("POST", "/drift:repair", {**choice, "preview": True})["value"]["radius"]
    assert _compare(company, part) == found, "a preview changed something"
    done = administrator.ask("POST", "/drift:repair", choice)["value"]
    assert (done["repaired_count"], done["remaining_count"]) == (found.total(), 0), done
    after = administrator.see_all(known)
    for listed, earlier, later in (("lost", before, after), ("gained", after, before)):
        happened = {
            (user_id, *target)
            for user_id in known
            for target in _counting(earlier[user_id]) - _counting(later[user_id])
        }
        said = {(each["user_id"], each["team_name"], each["role_id"]) for each in foretold[listed]}
        assert {each for each in said if each[0] in before} == happened, listed


def _counting(holding: Holding | None) -> frozenset[Target]:
    return frozenset() if holding is None else holding.counting


def _compare(company: Company, part: Part) -> Counter[str]:
    path = f"/scim_connections/{part.provider.connection_id}/export:compare"
    answer = company.administrator.ask("POST", path, part.provider.export())["value"]
    found = Counter({kind: count for kind, count in answer["counts"].items() if count})
    assert found.total() == answer["difference_count"], answer
    return found


def _know_what_was_repaired(company: Company, part: Part) -> None:
    """Let the provider know what is there now, by listing it, and the model what must follow.

    Who is here but not at the provider was deactivated, and is in no group any more.
    """
    provider = part.provider
    for key in set(provider.told.people) - set(provider.directory.people):
        provider.strays[provider.ids[key]] = company.model.holding_alone(provider, key)
    provider.told = deepcopy(provider.directory)
    provider.ids |= {
        user["externalId"]: user["id"]
        for user in provider.everything("/Users?attributes=externalId")
        if user.get("externalId") in provider.directory.people
    }
    by_name = {group["displayName"]: group["id"] for group in provider.everything("/Groups?attributes=displayName")}
    provider.group_ids = {key: by_name[group.name] for key, group in provider.directory.groups.items()}


def _sort_in(directory: Directory, part: Part, employee: Employee) -> None:
    """Put somebody into the groups where it belongs, at the provider and nowhere else."""
    wanted = part.groups_of(employee)
    for key, group in directory.groups.items():
        if key in wanted:
            group.members.add(employee.key)
        else:
            group.members.discard(employee.key)


def _set(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def _some(company: Company, part: Part, count: int) -> list[str]:
    """Choose some of the staff who hold nothing by hand: that would not come back with them."""
    provider, by_hand = part.provider, company.model.by_hand
    there = [key for key in sorted(part.staff) if key in provider.told.people and not by_hand.get(provider.ids[key])]
    return company.chance.sample(there, count)


DRIFTS: Mapping[int, Callable[[Company], object]] = {
    75: pushes_are_lost,
    150: an_administrator_changes_what_a_provider_owns,
    245: groups_are_changed_here,
    330: pushes_are_lost,
    365: nothing_has_drifted,
}
"""By day of the year."""
