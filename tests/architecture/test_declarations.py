"""Are the declared codes, types and names unique, well-formed and explained?"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ROLE_ACTIONS
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.kernel.event import Event
from tests.architecture.source_rules import repeated
from tools import declarations

ERROR_CODE = re.compile(r"[a-z]+(_[a-z]+)*")
EVENT_TYPE = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z-]*){2}")
ACTION_NAME = re.compile(r"[a-z]+(_[a-z]+)*:[a-z]+")


def misnamed(names: list[str], form: re.Pattern[str]) -> list[str]:
    """Return the names that do not have the form."""
    return [name for name in names if not form.fullmatch(name)]


def unexplained(classes: list[type]) -> list[str]:
    """Return the classes that say nothing of themselves."""
    return [declared.__qualname__ for declared in classes if not declarations.own_docstring(declared)]


def unexplained_members(enumeration: type[Enum]) -> list[str]:
    """Return the members of an enumeration below which nothing is said."""
    return [value for value, words in declarations.members_with_words(enumeration).items() if not words]


def test_every_error_has_a_code_of_its_own():
    codes = [error.code for error in declarations.errors()]
    assert len(codes) > 5
    assert repeated(codes) == []
    assert misnamed(codes, ERROR_CODE) == []


def test_every_error_without_a_code_has_errors_below_it_that_have_one():
    """An error that is not abstract and lacks its code would surprise whoever catches it."""
    errors = declarations.classes_below(DomainError)
    coded = declarations.errors()
    assert [error for error in errors if not any(issubclass(one, error) for one in coded)] == []


def test_every_error_kind_and_every_error_is_explained():
    assert unexplained(declarations.classes_below(DomainError)) == []
    assert unexplained_members(ErrorKind) == []


def test_every_event_has_a_type_of_its_own():
    types = [event.type for event in declarations.events()]
    assert len(types) > 5
    assert repeated(types) == []
    assert misnamed(types, EVENT_TYPE) == []


def test_every_event_belongs_to_the_room_that_its_type_names():
    strangers = [
        event.type for event in declarations.events() if event.type.split(".")[0] not in event.__module__.split(".")
    ]
    assert strangers == []


def test_every_event_lies_in_its_rooms_events_file_and_is_explained():
    events = declarations.events()
    assert [event.__qualname__ for event in events if event.__module__.split(".")[-1] != "events"] == []
    assert unexplained(events) == []


def test_every_action_is_a_noun_and_a_verb_and_is_explained():
    names = [action.value for action in Action]
    assert misnamed(names, ACTION_NAME) == []
    assert unexplained_members(Action) == []


def test_actions_stand_in_alphabetical_order():
    names = [action.value for action in Action]
    assert names == sorted(names)


def test_every_action_is_held_by_a_role():
    assert set().union(*ROLE_ACTIONS.values()) == set(Action)


def test_a_repeated_name_is_noticed():
    assert repeated(["a", "b", "a", "c", "a"]) == ["a"]


def test_a_malformed_name_is_noticed():
    assert misnamed(["user:create", "create_user", "User:create", "user:"], ACTION_NAME) == [
        "create_user",
        "User:create",
        "user:",
    ]
    assert misnamed(["directory.user.created", "user.created", "directory.user.Created"], EVENT_TYPE) == [
        "user.created",
        "directory.user.Created",
    ]
    assert misnamed(["not_found", "NotFound", "not-found"], ERROR_CODE) == ["NotFound", "not-found"]


def test_a_class_without_words_of_its_own_is_noticed():
    class Mute(DomainError):
        kind = ErrorKind.INVALID
        code = "mute"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class MuteEvent(Event):
        type: ClassVar[str] = "a.b.c"

    class Talking(DomainError):
        """Says something."""

    assert [name.rpartition(".")[2] for name in unexplained([Mute, MuteEvent, Talking])] == ["Mute", "MuteEvent"]


def test_a_member_without_words_is_noticed():
    class Sample(Enum):
        SAID = "said"
        """Something is said here."""
        UNSAID = "unsaid"

    assert unexplained_members(Sample) == ["unsaid"]
