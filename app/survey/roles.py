"""Who may do what: a viewer looks, a reviewer decides and brings in, an admin also takes back what others decided.

Where no login is set up everybody who reaches the dashboard is an admin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """Each may do what those before it may."""

    VIEWER = 1
    REVIEWER = 2
    ADMIN = 3

    @property
    def title(self) -> str:
        """With its article, for a sentence."""
        return f"an {self.name.lower()}" if self is Role.ADMIN else f"a {self.name.lower()}"


class NotAllowed(Exception):
    """This person's role does not allow it; the text says what does."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Addresses (ana@example.org) and domains (example.org) by role, as the operator names them."""

    admins: Sequence[str] = ()
    reviewers: Sequence[str] = ()
    viewers: Sequence[str] = ()

    def role_of(self, address: str) -> Role | None:
        """The role of a person; None for somebody who is on no list. An address counts before a domain."""
        address = address.strip().lower()
        domain = address.rpartition("@")[2]
        for wanted in (address, domain):
            for role, names in zip(reversed(Role), (self.admins, self.reviewers, self.viewers), strict=True):
                if wanted and wanted in {name.strip().lower().removeprefix("@") for name in names}:
                    return role
        return None


@dataclass(frozen=True, slots=True)
class Person:
    """Who does something, and what they may do."""

    who: str
    role: Role
