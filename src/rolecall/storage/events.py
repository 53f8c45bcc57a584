"""What can have happened to the keys of the key ring?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.kernel.event import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _SecretKeyEvent(Event):
    severity: ClassVar[Severity] = Severity.WARNING
    key_id: str

    def subject_id(self) -> str | None:
        """Return the key's id."""
        return self.key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKeyMade(_SecretKeyEvent):
    """A new key seals secrets from now on."""

    type: ClassVar[str] = "storage.secret-key.made"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKeyForgotten(_SecretKeyEvent):
    """A key was removed for good. What backups hold sealed with it can no longer be read."""

    type: ClassVar[str] = "storage.secret-key.forgotten"
