"""Which types of events can there be, and what does each mean?"""

from collections.abc import Mapping

from rolecall.kernel.event import Event


def meanings() -> Mapping[str, str]:
    """Return, by type, the sentence that each declared event says of itself."""
    found: dict[str, str] = {}
    waiting = list(Event.__subclasses__())
    while waiting:
        declared = waiting.pop()
        waiting += declared.__subclasses__()
        if hasattr(declared, "type"):
            found[declared.type] = " ".join((declared.__doc__ or "").split())
    return found


def name_of(event_type: str) -> str:
    """Return the name of a type for people: `directory.user.members-changed` is `User members changed`."""
    _room, _, rest = event_type.partition(".")
    return rest.replace(".", " ").replace("-", " ").capitalize()
