"""Which resources and attributes does SCIM know here, and how does each behave?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from rolecall.kernel.predicate import Path


class AttributeType(Enum):
    """What a value is (RFC 7643 §2.3)."""

    STRING = "string"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    REFERENCE = "reference"
    BINARY = "binary"
    COMPLEX = "complex"


class Mutability(Enum):
    """Who may change a value, and when (RFC 7643 §7)."""

    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(Enum):
    """When a value stands in an answer (RFC 7643 §7)."""

    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


class Uniqueness(Enum):
    """Among which resources a value occurs once (RFC 7643 §7)."""

    NONE = "none"
    SERVER = "server"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """The declaration of one attribute (RFC 7643 §7). Canonical values are suggestions, not limits."""

    name: str
    description: str
    type: AttributeType = AttributeType.STRING
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned = Returned.DEFAULT
    uniqueness: Uniqueness = Uniqueness.NONE
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: "tuple[Attribute, ...]" = ()
    _by_name: "Mapping[str, Attribute]" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the sub-attributes by name without case."""
        object.__setattr__(self, "_by_name", {sub.name.lower(): sub for sub in self.sub_attributes})

    @property
    def read_only(self) -> bool:
        """Whether a client can never set it."""
        return self.mutability is Mutability.READ_ONLY

    def sub_attribute(self, name: str) -> "Attribute | None":
        """Return the sub-attribute of that name in any case (RFC 7643 §2.1)."""
        return self._by_name.get(name.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A set of attributes under one URI."""

    uri: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a name means: where its values stand, and how they are declared.

    `attribute` is None for what no schema declares: a whole extension (`path` is its URI alone), or an
    attribute of an extension that is not known here. `parent` is set for sub-attributes.
    """

    path: Path
    extension: str | None = None
    attribute: Attribute | None = None
    parent: Attribute | None = None

    @property
    def is_secret(self) -> bool:
        """Whether nobody may find out what stands there, also by asking cleverly."""
        return any(
            declared is not None and declared.returned is Returned.NEVER for declared in (self.attribute, self.parent)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourceType:
    """A kind of resource: a core schema and the extensions declared for it. Two are equal only if the same."""

    name: str
    endpoint: str
    description: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    required_extensions: frozenset[str] = frozenset()
    """The URIs of those extensions that every resource of the type has."""
    _places: Mapping[str, Place] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index every name, in each of its spellings, without case."""
        places = {name.lower(): place for name, place in self._spellings()}
        object.__setattr__(self, "_places", places)

    def place(self, name: str) -> Place | None:
        """Return the declared place that a name in any case and any spelling means.

        Spellings are `userName`, `name.givenName`, both also behind the core URI and a colon, extension
        attributes behind theirs, and the URI of an extension for the whole of it. An extension attribute is
        also meant by its name alone when the core has none of that name: Entra so asks for `manager`.
        """
        return self._places.get(name.lower())

    def attributes(self) -> Iterator[tuple[str | None, Attribute]]:
        """Yield each attribute, common ones first, with the URI of its extension or None."""
        for attribute in (*COMMON_ATTRIBUTES, *self.schema.attributes):
            yield None, attribute
        for extension in self.extensions:
            for attribute in extension.attributes:
                yield extension.uri, attribute

    def _spellings(self) -> Iterator[tuple[str, Place]]:
        """Yield each spelling; of two that are the same the later one counts."""
        for extension in self.extensions:
            yield extension.uri, Place(path=(extension.uri,), extension=extension.uri)
            for attribute in extension.attributes:
                yield from _spelled(attribute, extension.uri, ("", f"{extension.uri}:"))
        for attribute in (*COMMON_ATTRIBUTES, *self.schema.attributes):
            yield from _spelled(attribute, None, ("", f"{self.schema.uri}:"))


def _spelled(attribute: Attribute, uri: str | None, prefixes: tuple[str, ...]) -> Iterator[tuple[str, Place]]:
    path = (attribute.name,) if uri is None else (uri, attribute.name)
    for prefix in prefixes:
        name = prefix + attribute.name
        yield name, Place(path=path, extension=uri, attribute=attribute)
        for sub in attribute.sub_attributes:
            place = Place(path=(*path, sub.name), extension=uri, attribute=sub, parent=attribute)
            yield f"{name}.{sub.name}", place


_BOOLEAN: Final = AttributeType.BOOLEAN
_BINARY: Final = AttributeType.BINARY
_COMPLEX: Final = AttributeType.COMPLEX
_DATE_TIME: Final = AttributeType.DATE_TIME
_REFERENCE: Final = AttributeType.REFERENCE
_READ_ONLY: Final = Mutability.READ_ONLY
_IMMUTABLE: Final = Mutability.IMMUTABLE


def _plural(name: str, description: str, value: Attribute, *types: str) -> Attribute:
    """Return a multi-valued attribute with the sub-attributes of RFC 7643 §2.4."""
    return Attribute(
        name=name,
        description=description,
        type=_COMPLEX,
        multi_valued=True,
        sub_attributes=(
            value,
            Attribute(name="display", description="Readable name of the value."),
            Attribute(name="type", description="What the value is used for.", canonical_values=types),
            Attribute(name="primary", description="Whether this is the preferred value.", type=_BOOLEAN),
        ),
    )


def _text(description: str) -> Attribute:
    return Attribute(name="value", description=description)


COMMON_ATTRIBUTES: Final = (
    Attribute(
        name="schemas",
        description="URIs of the schemas whose attributes the resource has.",
        type=_REFERENCE,
        multi_valued=True,
        required=True,
        case_exact=True,
        mutability=_READ_ONLY,
        returned=Returned.ALWAYS,
        reference_types=("uri",),
    ),
    Attribute(
        name="id",
        description="Identifier given by Rolecall; never used again for another resource.",
        case_exact=True,
        mutability=_READ_ONLY,
        returned=Returned.ALWAYS,
        uniqueness=Uniqueness.SERVER,
    ),
    Attribute(name="externalId", description="Identifier given by the provisioning client.", case_exact=True),
    Attribute(
        name="meta",
        description="Facts about the resource itself.",
        type=_COMPLEX,
        mutability=_READ_ONLY,
        sub_attributes=(
            Attribute(name="resourceType", description="Name of its type.", case_exact=True, mutability=_READ_ONLY),
            Attribute(name="created", description="When it was created.", type=_DATE_TIME, mutability=_READ_ONLY),
            Attribute(name="lastModified", description="When it changed.", type=_DATE_TIME, mutability=_READ_ONLY),
            Attribute(
                name="location",
                description="Its address.",
                type=_REFERENCE,
                case_exact=True,
                mutability=_READ_ONLY,
                reference_types=("uri",),
            ),
            Attribute(name="version", description="Its entity tag.", case_exact=True, mutability=_READ_ONLY),
        ),
    ),
)
"""Attributes of every resource (RFC 7643 §3.1); no schema lists them."""

USER_SCHEMA: Final = Schema(
    uri="urn:ietf:params:scim:schemas:core:2.0:User",
    name="User",
    description="A person or service with access to Rolecall",
    attributes=(
        Attribute(
            name="userName",
            description="Unique name to sign in with; two names that differ only in case are the same.",
            required=True,
            uniqueness=Uniqueness.SERVER,
        ),
        Attribute(
            name="name",
            description="The parts of the person's real name.",
            type=_COMPLEX,
            sub_attributes=(
                Attribute(name="formatted", description="The whole name as it is shown."),
                Attribute(name="familyName", description="Last name."),
                Attribute(name="givenName", description="First name."),
                Attribute(name="middleName", description="Middle names."),
                Attribute(name="honorificPrefix", description="Title before the name."),
                Attribute(name="honorificSuffix", description="Suffix after the name."),
            ),
        ),
        Attribute(name="displayName", description="Name to show to other people."),
        Attribute(name="nickName", description="What the person is called informally."),
        Attribute(
            name="profileUrl",
            description="Address of a page about the person.",
            type=_REFERENCE,
            case_exact=True,
            reference_types=("external",),
        ),
        Attribute(name="title", description="Position held, such as Vice President."),
        Attribute(name="userType", description="Relation to the organisation, such as Employee or Contractor."),
        Attribute(name="preferredLanguage", description="Languages preferred, as in an Accept-Language header."),
        Attribute(name="locale", description="Where the person lives, for dates and currency: a language tag."),
        Attribute(name="timezone", description="Time zone by its name in the IANA database."),
        Attribute(name="active", description="Whether the user has access now.", type=_BOOLEAN),
        _plural("emails", "E-mail addresses.", _text("The address."), "work", "home", "other"),
        _plural(
            "phoneNumbers",
            "Telephone numbers.",
            _text("The number, preferably as a tel: URI."),
            *("work", "home", "mobile", "fax", "pager", "other"),
        ),
        _plural(
            "ims",
            "Instant messaging addresses.",
            _text("The address."),
            *("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        ),
        _plural(
            "photos",
            "Pictures of the person.",
            Attribute(
                name="value",
                description="Address of the picture.",
                type=_REFERENCE,
                case_exact=True,
                reference_types=("external",),
            ),
            *("photo", "thumbnail"),
        ),
        Attribute(
            name="addresses",
            description="Postal addresses.",
            type=_COMPLEX,
            multi_valued=True,
            sub_attributes=(
                Attribute(name="formatted", description="The whole address as it is printed on a letter."),
                Attribute(name="streetAddress", description="Street, house number and the like."),
                Attribute(name="locality", description="City or town."),
                Attribute(name="region", description="State or region."),
                Attribute(name="postalCode", description="Postal code."),
                Attribute(name="country", description="Country, preferably as an ISO 3166-1 alpha-2 code."),
                Attribute(
                    name="type",
                    description="What the address is used for.",
                    canonical_values=("work", "home", "other"),
                ),
                Attribute(name="primary", description="Whether this is the preferred value.", type=_BOOLEAN),
            ),
        ),
        Attribute(
            name="groups",
            description="Groups that the user belongs to; changed through the groups alone.",
            type=_COMPLEX,
            multi_valued=True,
            mutability=_READ_ONLY,
            sub_attributes=(
                Attribute(name="value", description="The group's id.", case_exact=True, mutability=_READ_ONLY),
                Attribute(
                    name="$ref",
                    description="The group's address.",
                    type=_REFERENCE,
                    case_exact=True,
                    mutability=_READ_ONLY,
                    reference_types=("Group",),
                ),
                Attribute(name="display", description="The group's name.", mutability=_READ_ONLY),
                Attribute(
                    name="type",
                    description="Whether it is a member itself or through a nested group.",
                    mutability=_READ_ONLY,
                    canonical_values=("direct", "indirect"),
                ),
            ),
        ),
        _plural("entitlements", "Things that the user has.", _text("The entitlement.")),
        _plural("roles", "Roles that collectively say who the user is.", _text("The role.")),
        _plural(
            "x509Certificates",
            "Certificates issued to the user.",
            Attribute(name="value", description="DER in base64.", type=_BINARY, case_exact=True),
        ),
    ),
)

ENTERPRISE_USER_SCHEMA: Final = Schema(
    uri="urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name="EnterpriseUser",
    description="What an employer knows about a user",
    attributes=(
        Attribute(name="employeeNumber", description="Number or code assigned by the organisation."),
        Attribute(name="costCenter", description="Cost centre."),
        Attribute(name="organization", description="Organisation."),
        Attribute(name="division", description="Division."),
        Attribute(name="department", description="Department."),
        Attribute(
            name="manager",
            description="The person the user reports to.",
            type=_COMPLEX,
            sub_attributes=(
                Attribute(name="value", description="The manager's id."),
                Attribute(
                    name="$ref",
                    description="The manager's address.",
                    type=_REFERENCE,
                    case_exact=True,
                    reference_types=("User",),
                ),
                Attribute(
                    name="displayName",
                    description="The manager's name.",
                    mutability=_READ_ONLY,
                    returned=Returned.REQUEST,
                ),
            ),
        ),
    ),
)

GROUP_SCHEMA: Final = Schema(
    uri="urn:ietf:params:scim:schemas:core:2.0:Group",
    name="Group",
    description="A set of users as the identity provider pushed it",
    attributes=(
        Attribute(
            name="displayName",
            description="Unique name of the group.",
            required=True,
            uniqueness=Uniqueness.SERVER,
        ),
        Attribute(
            name="members",
            description="Users and groups that belong to it, in no particular order.",
            type=_COMPLEX,
            multi_valued=True,
            sub_attributes=(
                Attribute(
                    name="value",
                    description="The member's id.",
                    required=True,
                    case_exact=True,
                    mutability=_IMMUTABLE,
                ),
                Attribute(
                    name="$ref",
                    description="The member's address.",
                    type=_REFERENCE,
                    case_exact=True,
                    mutability=_IMMUTABLE,
                    reference_types=("User", "Group"),
                ),
                Attribute(
                    name="type",
                    description="What the member is.",
                    mutability=_IMMUTABLE,
                    canonical_values=("User", "Group"),
                ),
                Attribute(
                    name="display",
                    description="The member's name.",
                    mutability=_READ_ONLY,
                    returned=Returned.REQUEST,
                ),
            ),
        ),
    ),
)

USER: Final = ResourceType(
    name="User",
    endpoint="/Users",
    description="People and services with access to Rolecall",
    schema=USER_SCHEMA,
    extensions=(ENTERPRISE_USER_SCHEMA,),
)

GROUP: Final = ResourceType(
    name="Group",
    endpoint="/Groups",
    description="Sets of users as the identity provider pushed them",
    schema=GROUP_SCHEMA,
)

MEMBERS: Final = next(attribute for attribute in GROUP_SCHEMA.attributes if attribute.name == "members")
"""The one attribute that is kept as rows, not in a profile."""
