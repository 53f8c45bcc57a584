"""Which resources does a SCIM filter select?"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple, NoReturn, assert_never

import orjson

from rolecall.kernel.clock import parse_rfc3339
from rolecall.kernel.predicate import And, AnyValue, Compare, Literal, Not, Operator, Or, Path, Predicate, Present
from rolecall.kernel.text import has_control_character
from rolecall.scim.errors import InvalidFilter
from rolecall.scim.names import is_attribute_name, resolve, spelled, suggestion, suggestion_within
from rolecall.scim.schemas import Attribute, AttributeType, Place, ResourceType, Returned

MAX_FILTER_LENGTH: Final = 10_000
"""Characters."""
MAX_FILTER_DEPTH: Final = 50
"""Brackets within brackets."""
MAX_COMPARISONS: Final = 200

_OPERATORS: Final[Mapping[str, Operator]] = {operator.value: operator for operator in Operator}
_WITHIN_TEXT: Final = frozenset({Operator.CO, Operator.SW, Operator.EW})
_ORDERED: Final = frozenset({Operator.GT, Operator.GE, Operator.LT, Operator.LE})
_WORDS: Final[Mapping[str, Literal]] = {"true": True, "false": False, "null": None}
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_LARGEST_NUMBER: Final = 2**63 - 1  # what both databases can compare with
_DIGITS: Final = 30
_TOKEN: Final = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([()\[\]])|([^\s()\[\]"]+))')
_EXCERPT: Final = 40


class _Scope(NamedTuple):
    """Which names mean something here, and what is nearest to those that do not."""

    place: Callable[[str], Place | None]
    suggestion: Callable[[str], str]


class _Token(NamedTuple):
    text: str
    position: int


class _Mismatch(Exception):
    """Says in a sentence why an attribute cannot be compared so."""


def parse_filter(text: str, resource_type: ResourceType) -> Predicate:
    """Return the condition that the filter (RFC 7644 §3.4.2.2) states about resources of that type.

    Beyond the grammar, a comparison with a multi-valued complex attribute means its `value` (Ping sends
    `emails eq "x"`, Entra `members eq "x"`), and a boolean may be compared with "True" or "False" (Entra).

    Raises: InvalidFilter, whose text shows the place.
    """
    scope = _Scope(lambda name: resolve(name, resource_type), lambda name: suggestion(name, resource_type))
    return _Parser(text, scope).whole()


def parse_value_filter(text: str, attribute: Attribute | None) -> Predicate:
    """Return the condition on one value of a complex attribute that stands between `[` and `]`.

    Without a declaration of the attribute every name is taken for a text compared without case.
    """
    return _Parser(text, _scope_within(attribute)).whole()


def render_filter(predicate: Predicate) -> str:
    """Return the filter that `parse_filter` reads as this predicate. `And` and `Or` need two parts or more."""
    match predicate:
        case And(parts=parts):
            return " and ".join(_grouped(part, And, Or) for part in parts)
        case Or(parts=parts):
            return " or ".join(_grouped(part, Or) for part in parts)
        case Not(part=part):
            return f"not ({render_filter(part)})"
        case Present(path=path):
            return f"{spelled(path)} pr"
        case AnyValue(path=path, of=of):
            return f"{spelled(path)}[{render_filter(of)}]"
        case Compare(path=path, operator=operator, value=value):
            return f"{spelled(path)} {operator.value} {_render_literal(value)}"
        case _:
            assert_never(predicate)


def _grouped(part: Predicate, *kinds: type[And | Or]) -> str:
    text = render_filter(part)
    return f"({text})" if isinstance(part, kinds) else text


def _render_literal(value: Literal) -> str:
    if isinstance(value, datetime):
        return f'"{value.astimezone(UTC).isoformat().removesuffix("+00:00")}Z"'
    return orjson.dumps(value).decode()


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str, scope: _Scope) -> None:
        self._text = text
        self._scope = scope
        self._depth = 0
        self._comparisons = 0
        if len(text) > MAX_FILTER_LENGTH:
            raise InvalidFilter(f"The filter is longer than {MAX_FILTER_LENGTH:,} characters.")
        if has_control_character(text):
            raise InvalidFilter("The filter contains a control character.")
        self._tokens = self._tokenized()
        self._next = 0

    def whole(self) -> Predicate:
        predicate = self._either()
        if self._next < len(self._tokens):
            self._refuse(self._tokens[self._next], "expected `and`, `or` or the end.")
        return predicate

    def _tokenized(self) -> list[_Token]:
        tokens = []
        text, position = self._text.rstrip(), 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                start = len(text) - len(text[position:].lstrip())
                self._refuse(_Token("", start), "this text does not end.")
            tokens.append(_Token(match[match.lastindex or 0], match.start(match.lastindex or 0)))
            position = match.end()
        return tokens

    def _refuse(self, token: _Token, sentence: str) -> NoReturn:
        start = max(0, token.position - _EXCERPT)
        excerpt = self._text[start : token.position + _EXCERPT]
        caret = " " * (token.position - start) + "^"
        raise InvalidFilter(
            f"The filter is not valid at character {token.position + 1}: {sentence}\n{excerpt}\n{caret}",
            position=str(token.position + 1),
        )

    def _peek(self) -> str:
        return self._tokens[self._next].text if self._next < len(self._tokens) else ""

    def _take(self, wanted: str) -> _Token:
        if self._next == len(self._tokens):
            self._refuse(_Token("", len(self._text)), f"expected {wanted}, but the filter ends.")
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _either(self) -> Predicate:
        parts = [self._all()]
        while self._peek().lower() == "or":
            self._next += 1
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(parts=tuple(parts))

    def _all(self) -> Predicate:
        parts = [self._one()]
        while self._peek().lower() == "and":
            self._next += 1
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else And(parts=tuple(parts))

    def _one(self) -> Predicate:
        token = self._take("an attribute, `not` or `(`")
        if token.text == "(":
            return self._enclosed(")", token)
        if token.text.lower() == "not":
            opening = self._take("`(`")
            if opening.text != "(":
                self._refuse(opening, "expected `(` after `not`.")
            return Not(part=self._enclosed(")", opening))
        place = self._place(token)
        if self._peek() == "[":
            return self._value_path(place)
        return self._comparison(place, token)

    def _enclosed(self, closing: str, opening: _Token) -> Predicate:
        self._depth += 1
        if self._depth > MAX_FILTER_DEPTH:
            self._refuse(opening, f"more than {MAX_FILTER_DEPTH} brackets within one another.")
        predicate = self._either()
        end = self._take(f"`{closing}`")
        if end.text != closing:
            self._refuse(end, f"expected `and`, `or` or `{closing}`.")
        self._depth -= 1
        return predicate

    def _place(self, token: _Token) -> Place:
        place = self._scope.place(token.text)
        if place is None:
            self._refuse(token, f"this is no attribute.{self._scope.suggestion(token.text)}")
        if place.is_secret:
            raise _hidden(place.path)
        return place

    def _value_path(self, place: Place) -> Predicate:
        opening = self._take("`[`")
        if place.attribute is not None and place.attribute.type is not AttributeType.COMPLEX:
            self._refuse(opening, f"{spelled(place.path)} has no sub-attributes to select by.")
        outer, self._scope = self._scope, _scope_within(place.attribute)
        of = self._enclosed("]", opening)
        if self._peek().startswith("."):
            # Entra matches by `emails[type eq "work"].value eq "x"`; the grammar has no such form.
            token = self._take("a sub-attribute")
            inner = self._place(_Token(token.text[1:], token.position + 1))
            parts = of.parts if isinstance(of, And) else (of,)
            of = And(parts=(*parts, self._comparison(inner, token)))
        self._scope = outer
        return AnyValue(path=place.path, of=of)

    def _comparison(self, place: Place, name: _Token) -> Predicate:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            self._refuse(name, f"more than {MAX_COMPARISONS} comparisons.")
        token = self._take("an operator such as `eq`")
        if token.text.lower() == "pr":
            return Present(path=place.path)
        operator = _OPERATORS.get(token.text.lower())
        if operator is None:
            self._refuse(token, f"this is no operator; there are {', '.join(_OPERATORS)} and pr.")
        literal = self._take("a value")
        try:
            return _bound(place, operator, _literal(literal.text))
        except _Mismatch as mismatch:
            self._refuse(literal, f"{mismatch}.")


def _scope_within(attribute: Attribute | None) -> _Scope:
    def place(name: str) -> Place | None:
        if attribute is None:
            return Place(path=(name,)) if is_attribute_name(name) else None
        sub = attribute.sub_attribute(name)
        return None if sub is None else Place(path=(sub.name,), attribute=sub, parent=attribute)

    return _Scope(place, lambda name: suggestion_within(name, attribute))


def _literal(text: str) -> Literal:
    if text[0] == '"':
        try:
            value: str = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _Mismatch("this text is not valid JSON") from None
        if has_control_character(value):
            raise _Mismatch("this text contains a control character")
        return value
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text) is None:
        raise _Mismatch('expected a value: "text", a number, true, false or null')
    # Where there are too many digits for an exact number, it is too large in any case.
    number = int(text) if text.lstrip("-").isdigit() and len(text) <= _DIGITS else float(text)
    if abs(number) > _LARGEST_NUMBER:
        raise _Mismatch("this number is too large")
    return number


def _bound(place: Place, operator: Operator, literal: Literal) -> Predicate:
    """Return the comparison with the value that the attribute's type makes of the literal."""
    attribute, path = place.attribute, place.path
    if literal is None:
        if operator not in {Operator.EQ, Operator.NE}:
            raise _Mismatch("null can only be compared by eq and ne")
        return Compare(path=path, operator=operator, value=None)
    if attribute is None:
        return _bound_openly(path, operator, literal)
    if attribute.type is AttributeType.COMPLEX:
        value = attribute.sub_attribute("value")
        if value is None:
            raise _Mismatch(f"{spelled(path)} has parts; compare one of them, such as {_part_of(place, attribute)}")
        if value.returned is Returned.NEVER:
            raise _hidden((*path, value.name))
        attribute, path = value, (*path, value.name)
    typed = _CONVERSIONS[attribute.type](spelled(path), operator, literal)
    fold = isinstance(typed, str) and not attribute.case_exact
    return Compare(path=path, operator=operator, value=typed, fold=fold)


def _bound_openly(path: Path, operator: Operator, literal: Literal) -> Predicate:
    if len(path) == 1 and ":" in path[0]:
        raise _Mismatch("a whole extension can only be asked for by pr")
    if isinstance(literal, bool):
        _refuse_operators(spelled(path), operator, _WITHIN_TEXT | _ORDERED)
    elif not isinstance(literal, str):
        _refuse_operators(spelled(path), operator, _WITHIN_TEXT)
    return Compare(path=path, operator=operator, value=literal, fold=isinstance(literal, str))


def _hidden(path: Path) -> InvalidFilter:
    """Return the refusal that shows nothing of the filter: what is compared with is as secret as what is kept."""
    return InvalidFilter(f"{spelled(path)} is never returned, so nothing can be found by it.")


def _part_of(place: Place, attribute: Attribute) -> str:
    return spelled((*place.path, attribute.sub_attributes[0].name))


def _refuse_operators(name: str, operator: Operator, refused: frozenset[Operator]) -> None:
    if operator in refused:
        raise _Mismatch(f"{name} cannot be compared by {operator.value}")


def _as_text(name: str, _operator: Operator, literal: Literal) -> Literal:
    if not isinstance(literal, str):
        raise _Mismatch(f'{name} is compared with a text: "…"')
    return literal


def _as_binary(name: str, operator: Operator, literal: Literal) -> Literal:
    _refuse_operators(name, operator, _ORDERED)
    return _as_text(name, operator, literal)


def _as_boolean(name: str, operator: Operator, literal: Literal) -> Literal:
    _refuse_operators(name, operator, _WITHIN_TEXT | _ORDERED)
    if isinstance(literal, str):
        # Entra asks for `roles[primary eq "True"]`.
        literal = _WORDS.get(literal.lower())
    if not isinstance(literal, bool):
        raise _Mismatch(f"{name} is compared with true or false")
    return literal


def _as_number(name: str, operator: Operator, literal: Literal) -> Literal:
    _refuse_operators(name, operator, _WITHIN_TEXT)
    if isinstance(literal, bool) or not isinstance(literal, int | float):
        raise _Mismatch(f"{name} is compared with a number")
    return literal


def _as_instant(name: str, operator: Operator, literal: Literal) -> Literal:
    _refuse_operators(name, operator, _WITHIN_TEXT)
    try:
        return parse_rfc3339(literal) if isinstance(literal, str) else _no_instant(name)
    except (ValueError, OverflowError):
        return _no_instant(name)


def _no_instant(name: str) -> NoReturn:
    raise _Mismatch(f'{name} is compared with a time such as "2026-01-31T08:00:00Z"')


_CONVERSIONS: Final[Mapping[AttributeType, Callable[[str, Operator, Literal], Literal]]] = {
    AttributeType.STRING: _as_text,
    AttributeType.REFERENCE: _as_text,
    AttributeType.BINARY: _as_binary,
    AttributeType.BOOLEAN: _as_boolean,
    AttributeType.INTEGER: _as_number,
    AttributeType.DECIMAL: _as_number,
    AttributeType.DATE_TIME: _as_instant,
}
