"""What happens on which day of the year, and does everybody hold in the evening what they must?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.conformance.year.company import Company, Part
from tests.conformance.year.drift import DRIFTS
from tests.conformance.year.entra import Entra
from tests.conformance.year.happenings import ORDINARY
from tests.conformance.year.mistakes import MISTAKES
from tests.conformance.year.model import Holding
from tests.conformance.year.reorganisations import REORGANISATIONS

DAYS = 365
THREE_WEEKS = 21
PERSONNEL_DAY = 1
"""Of each three weeks: ordinary changes take effect then. Other days are quiet unless something special happens."""

PEOPLE_FOR_ONE_CHANGE = 20
"""So many people make for one ordinary change, up to what the guard allows in a day."""

FORGETTING_DAYS = 30
"""So long Entra keeps who left."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What a year came to."""

    days: int = 0
    """Days in whose evening everybody was compared; on the others nothing happened."""
    compared: int = 0
    """Users looked at, over all evenings."""
    roles: int = 0
    """Roles in teams that were held, over all evenings."""
    pushes: int = 0
    times_held: int = 0
    """So often a guard held what was pushed."""
    happenings: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    """In sentences; the year ends with the first day that has any."""


SPECIAL: Mapping[int, Callable[[Company], object]] = {**REORGANISATIONS, **DRIFTS, **MISTAKES}
"""What else happens, by day of the year."""


class Year:
    """One company's year."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.report = Report()
        self.found_gone: set[str] = set()
        """Ids of deleted users of whom it was seen already that they are gone."""

    def run(self) -> Report:
        """Live through the year, and compare everybody in the evening of each day on which something happened."""
        for day in range(1, DAYS + 1):
            if self.happen(day):
                self.compare(day)
            if self.report.differences:
                break
        providers = [part.provider for part in self.company.parts]
        self.report.pushes = sum(provider.wire.calls for provider in providers)
        self.report.times_held = sum(provider.times_held for provider in providers)
        return self.report

    def happen(self, day: int) -> bool:
        """Let everything happen that belongs to this day; say whether there was anything."""
        ordinary = day % THREE_WEEKS == PERSONNEL_DAY
        if not ordinary and day not in SPECIAL:
            return False
        for part in self.company.parts:
            self.company.administrator.guard(part.provider, self.company.allowance)
        if ordinary:
            for part in self.company.parts:
                self.ordinary_changes(part, day)
                self.forget_leavers(part, day)
        if day in SPECIAL:
            SPECIAL[day](self.company)
            self._count(SPECIAL[day])
        if day in REORGANISATIONS:
            for part in self.company.parts:
                self.company.administrator.decide_all(part.provider, "release")
        return True

    def ordinary_changes(self, part: Part, day: int) -> None:
        """Let some people come, go and move."""
        kinds, weights = zip(*ORDINARY, strict=True)
        count = min(self.company.allowance, max(1, len(part.staff) // PEOPLE_FOR_ONE_CHANGE))
        for happening in self.company.chance.choices(kinds, weights, k=count):
            happening(self.company, part)
            self._count(happening)
        for key in part.left:
            part.leaving_days.setdefault(key, day)

    def forget_leavers(self, part: Part, day: int) -> None:
        """Delete whose access ended a month ago, where the provider does so."""
        provider = part.provider
        if not isinstance(provider, Entra):
            return
        due = [key for key, left in part.leaving_days.items() if day - left >= FORGETTING_DAYS]
        for key in due:
            provider.forget(key)
            del part.left[key], part.leaving_days[key]

    def compare(self, day: int) -> None:
        """Hold everybody against the model, by REST, and see that there is nobody else."""
        wanted: dict[str, Holding | None] = {}
        for part in self.company.parts:
            provider = part.provider
            wanted |= dict.fromkeys(provider.gone - self.found_gone)
            self.found_gone |= provider.gone
            wanted |= provider.strays
            wanted |= self.company.model.holdings(provider)
            if not provider.settled() and not provider.held:
                self.report.differences.append(f"Day {day}: {part.name} has not told everything.")
        seen = self.company.administrator.see_all(wanted)
        self.report.differences += [
            f"Day {day}: {difference(user_id, wanted[user_id], seen[user_id])}"
            for user_id in wanted
            if wanted[user_id] != seen[user_id]
        ]
        there = {user_id for user_id, holding in wanted.items() if holding is not None}
        strangers = self.company.administrator.provisioned_ids() ^ there
        self.report.differences += [f"Day {day}: {user_id} is listed, or not, unexpectedly." for user_id in strangers]
        self.report.days += 1
        self.report.compared += len(wanted)
        self.report.roles += sum(len(holding.counting) for holding in wanted.values() if holding is not None)

    def _count(self, happening: Callable[..., object]) -> None:
        name = happening.__name__.replace("_", " ")
        self.report.happenings[name] = self.report.happenings.get(name, 0) + 1


def difference(user_id: str, wanted: Holding | None, seen: Holding | None) -> str:
    """Say what is otherwise than it must be."""
    if wanted is None or seen is None:
        return f"{user_id}: {wanted} is wanted, {seen} is there."
    parts = [f"{user_id} ({wanted.user_name})"]
    if wanted.user_name != seen.user_name:
        parts.append(f"is called {seen.user_name}")
    if wanted.active != seen.active:
        parts.append(f"is {'active' if seen.active else 'deactivated'} against expectation")
    parts += [f"lacks {each}" for each in sorted(wanted.held - seen.held)]
    parts += [f"holds {each} too" for each in sorted(seen.held - wanted.held)]
    return "; ".join(parts)
