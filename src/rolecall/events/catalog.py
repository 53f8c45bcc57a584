"""Which types of events can there be, and what does each mean?"""

from collections.abc import Iterator, Mapping

from rolecall.kernel.event import Event


def meanings() -> Mapping[str, str]:
    """Return, by type, the sentence that each declared event says of itself."""
    return {declared.type: " ".join((declared.__doc__ or "").split()) for declared in _declared()}


def mentioning() -> Mapping[str, tuple[str, ...]]:
    """Return, by type, which fields of an event hold ids by which it is found; only types that have such."""
    return {declared.type: declared.mentioning for declared in _declared() if declared.mentioning}


def name_of(event_type: str) -> str:
    """Return the name of a type for people: `directory.user.members-changed` is `User members changed`."""
    _room, _, rest = event_type.partition(".")
    return rest.replace(".", " ").replace("-", " ").capitalize()


def _declared() -> Iterator[type[Event]]:
    waiting = list(Event.__subclasses__())
    while waiting:
        declared = waiting.pop()
        waiting += declared.__subclasses__()
        if hasattr(declared, "type"):
            yield declared
