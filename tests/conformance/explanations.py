"""Which differences from somebody else's implementation are known, and who is right?

A file is a list of explanations. Each has `where` (forms of requests, or "*" for all), `is` (the
differences that it explains there), `right` (`us`, `them`, `both`, `neither`), `clause` (of the standard), `why`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

ALWAYS = "*"
RIGHT = frozenset({"us", "them", "both", "neither"})


@dataclass(slots=True, kw_only=True)
class Explanation:
    where: list[str]
    what: list[str]
    right: str
    clause: str
    why: str
    used: set[str] = field(default_factory=set)

    def covers(self, shape: str, difference: str) -> bool:
        return (shape in self.where or ALWAYS in self.where) and difference in self.what


@dataclass(slots=True, kw_only=True)
class Explanations:
    all: list[Explanation]

    def explain(self, shape: str, difference: str) -> bool:
        """Return whether the difference is explained, and note that the explanation was needed."""
        for one in self.all:
            if one.covers(shape, difference):
                one.used |= {shape, difference}
                return True
        return False

    def always(self, difference: str) -> bool:
        """Return whether this is so whatever the request, and note that the explanation was needed."""
        for one in self.all:
            if ALWAYS in one.where and difference in one.what:
                one.used |= {ALWAYS, difference}
                return True
        return False

    def unused(self) -> list[str]:
        """Return every form of request and every difference that is explained and did not occur."""
        return [f"{one.why}: {item}" for one in self.all for item in (*one.where, *one.what) if item not in one.used]


def read_explanations(path: Path) -> Explanations:
    """Read a file; a key that is not known, or one that is missing, is an error."""
    explanations = [
        Explanation(what=entry.pop("is"), **entry) for entry in json.loads(path.read_text(encoding="utf-8"))
    ]
    for one in explanations:
        assert one.right in RIGHT, one.right
        assert one.where, one.why
        assert one.what, one.why
        assert one.clause, one.why
    return Explanations(all=explanations)
