"""How this program waits before it tries again: the only policy, for every retry and every poll."""

from __future__ import annotations

from tenacity import wait_exponential_jitter
from tenacity.wait import wait_base

from modal_backend.errors import BackendUnavailable, BudgetUsedUp, CredentialsRefused, NotDeployed, QueueFull

# What may succeed later without anybody doing anything.
PASSING = (BackendUnavailable, QueueFull)
# What work in the queue waits for; a person may have to act.
AWAITED = (*PASSING, BudgetUsedUp, CredentialsRefused, NotDeployed)
LONGEST_PAUSE = 30.0


def growing(first: float, longest: float = LONGEST_PAUSE) -> wait_base:
    """Pauses that double, each with up to `first` seconds more by chance, so that many callers do not come at once.

    Args:
        first: seconds before the second attempt.
        longest: seconds that no pause exceeds.
    """
    return wait_exponential_jitter(multiplier=first, max=longest, jitter=first)
