"""Every action says which role it needs, and is refused to others before it begins."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from app.survey.roles import NotAllowed, Role

P = ParamSpec("P")
R = TypeVar("R")
ROLE = "needs_role"


def needs(
    least: Role, refused: Callable[[str, dict[str, Any]], Any] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """An action on a survey in the hands of somebody with at least this role.

    Args:
        refused: what to answer others, from the reason and the action's arguments; without it NotAllowed is raised.
    """

    def decorate(action: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(action)

        @wraps(action)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind_partial(*args, **kwargs).arguments
            try:
                given["survey"].require(least)
            except NotAllowed as error:
                if refused is None:
                    raise
                return cast(R, refused(str(error), given))
            return action(*args, **kwargs)

        setattr(guarded, ROLE, least)
        return guarded

    return decorate
