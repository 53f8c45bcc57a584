"""What did somebody type into the set-up form, and what is missing there?"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from rolecall.kernel.text import has_control_character

LONGEST: Final = 256
"""Characters that a field takes."""

_REQUIRED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "given_name": "Enter your given name.",
        "family_name": "Enter your family name.",
        "email": "Enter your e-mail address.",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupForm:
    """The fields of the form, as typed but for blanks around them."""

    given_name: str = ""
    family_name: str = ""
    email: str = ""
    user_name: str = ""
    display_name: str = ""

    def chosen_user_name(self) -> str:
        """Return the user name; without one the e-mail address serves."""
        return self.user_name or self.email

    def chosen_display_name(self) -> str:
        """Return the display name; without one given and family name serve."""
        return self.display_name or f"{self.given_name} {self.family_name}"


def parse_setup_form(sent: Mapping[str, object]) -> tuple[SetupForm, dict[str, str]]:
    """Return the form and, by field, what is wrong with it."""
    names = SetupForm.__dataclass_fields__
    form = SetupForm(**{name: str(sent.get(name, "")).strip() for name in names})
    wrong = {}
    for name in names:
        text = getattr(form, name)
        if not text and name in _REQUIRED:
            wrong[name] = _REQUIRED[name]
        elif len(text) > LONGEST:
            wrong[name] = f"Enter at most {LONGEST} characters."
        elif has_control_character(text):
            wrong[name] = "Remove the control characters."
    if "email" not in wrong and not _looks_like_email(form.email):
        wrong["email"] = "Enter an e-mail address such as ada@example.com."
    return form, wrong


def field_of(about: Mapping[str, str]) -> str | None:
    """Return the form's field that a refusal is about."""
    attribute = about.get("attribute", "")
    # The directory calls a name that is taken by its SCIM attribute, since SCIM runs into it most.
    name = "user_name" if attribute == "userName" else attribute
    return name if name in SetupForm.__dataclass_fields__ else None


def _looks_like_email(text: str) -> bool:
    """Only the obvious is refused: whether an address exists is known when mail arrives there."""
    local, at, domain = text.rpartition("@")
    return bool(local and at and domain) and " " not in text and "@" not in local
