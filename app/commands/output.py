"""How commands speak: text for people on the screen, JSON for machines with --json."""

from __future__ import annotations

import json
import sys
from typing import Any


class CommandFailed(Exception):
    """The command cannot do what was asked; the text says why and what to do. `code` is the exit status."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def tell(as_json: bool, value: dict[str, Any] | list[Any], text: str) -> None:
    """Print the value as JSON, or the text."""
    print(json.dumps(value, indent=1, ensure_ascii=False) if as_json else text)


def note(text: str) -> None:
    """A line for people that is not part of the answer."""
    print(text, file=sys.stderr)
