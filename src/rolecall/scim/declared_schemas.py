"""Which attributes does a declared schema (RFC 7643 §7) have?"""

from collections.abc import Mapping
from typing import Final

from rolecall.scim.declared_values import DeclaredValue
from rolecall.scim.names import is_attribute_name, is_uri
from rolecall.scim.schemas import Attribute, AttributeType, Mutability, Returned, Schema, Uniqueness

_SCHEMA_FIELDS: Final = ("schemas", "id", "name", "description", "attributes", "meta")
_ATTRIBUTE_FIELDS: Final = (
    "name",
    "description",
    "type",
    "multiValued",
    "required",
    "caseExact",
    "mutability",
    "returned",
    "uniqueness",
    "canonicalValues",
    "referenceTypes",
    "subAttributes",
)
_ALWAYS_WITH_CASE: Final = frozenset({AttributeType.BINARY, AttributeType.REFERENCE})
_NEVER_UNIQUE: Final = frozenset(
    {AttributeType.BOOLEAN, AttributeType.COMPLEX, AttributeType.DATE_TIME, AttributeType.DECIMAL}
)


def read_schema(document: DeclaredValue) -> Schema:
    """Return the schema that the document declares.

    What a document leaves out has the default of RFC 7643 §2.2.

    Raises: InvalidDeclaration.
    """
    document.members(_SCHEMA_FIELDS)
    uri = document.required("id")
    if not is_uri(uri.text()):
        uri.refuse("must be a URI such as urn:example:2.0:Device.")
    attributes = _read_attributes(document.required("attributes"), within=None)
    return Schema(
        uri=uri.text(),
        name=document.required("name").text(),
        description=document.description(),
        attributes=attributes,
    )


def _read_attributes(declared: DeclaredValue, *, within: AttributeType | None) -> tuple[Attribute, ...]:
    attributes: dict[str, Attribute] = {}
    for item in declared.items():
        attribute = _read_attribute(item, within=within)
        if attribute.name.lower() in attributes:
            item.refuse(f"{attribute.name} is declared twice; the case of a name does not count.")
        attributes[attribute.name.lower()] = attribute
    if not attributes:
        declared.refuse("must declare one attribute or more.")
    return tuple(attributes.values())


def _read_attribute(declared: DeclaredValue, *, within: AttributeType | None) -> Attribute:
    members = declared.members(_ATTRIBUTE_FIELDS)
    kind = members["type"].choice(AttributeType) if "type" in members else AttributeType.STRING
    attribute = Attribute(
        name=_read_name(declared.required("name"), within=within),
        description=declared.description(),
        type=kind,
        multi_valued=_truth(members, "multiValued"),
        required=_truth(members, "required"),
        case_exact=_truth(members, "caseExact", default=kind in _ALWAYS_WITH_CASE),
        mutability=members["mutability"].choice(Mutability) if "mutability" in members else Mutability.READ_WRITE,
        returned=members["returned"].choice(Returned) if "returned" in members else Returned.DEFAULT,
        uniqueness=members["uniqueness"].choice(Uniqueness) if "uniqueness" in members else Uniqueness.NONE,
        canonical_values=members["canonicalValues"].texts() if "canonicalValues" in members else (),
        reference_types=members["referenceTypes"].texts() if "referenceTypes" in members else (),
        sub_attributes=_read_parts(declared, kind, within=within),
    )
    _check(declared, attribute)
    return attribute


def _read_name(name: DeclaredValue, *, within: AttributeType | None) -> str:
    text = name.text()
    if not is_attribute_name(text) or (text.startswith("$") and (within is None or text != "$ref")):
        name.refuse("must be the name of an attribute: a letter, then letters, digits, - and _.")
    return text


def _read_parts(declared: DeclaredValue, kind: AttributeType, *, within: AttributeType | None) -> tuple[Attribute, ...]:
    parts = declared.members().get("subAttributes")
    if kind is not AttributeType.COMPLEX:
        if parts is not None and parts.value:
            parts.refuse("only an attribute of the type complex has sub-attributes.")
        return ()
    if within is not None:
        declared.refuse("a sub-attribute cannot be complex itself (RFC 7643 §2.3.8).")
    return _read_attributes(declared.required("subAttributes"), within=kind)


def _check(declared: DeclaredValue, attribute: Attribute) -> None:
    """Refuse what could never be kept or never be fulfilled."""
    if attribute.required and attribute.read_only:
        declared.refuse(f"{attribute.name} is required and readOnly, so nobody could give it a value.")
    if attribute.mutability is Mutability.WRITE_ONLY and attribute.returned is not Returned.NEVER:
        declared.refuse(f"{attribute.name} is writeOnly, so its returned must be never.")
    if attribute.uniqueness is not Uniqueness.NONE and attribute.type in _NEVER_UNIQUE:
        declared.refuse(f"{attribute.name} is {attribute.type.value}, so its uniqueness must be none.")


def _truth(members: Mapping[str, DeclaredValue], name: str, *, default: bool = False) -> bool:
    return members[name].truth() if name in members else default
