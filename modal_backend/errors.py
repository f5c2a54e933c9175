"""What can go wrong between a caller and a model.

BackendError
 ├─ BackendUnavailable      nothing answered; the same call may succeed later
 ├─ NotDeployed             the app or function is not there
 ├─ BackendMisconfigured    a setting, a credential or a weight is missing; a person has to act
 │   ├─ CredentialsRefused  the token is not accepted; the same call may succeed when it is mended
 │   └─ WeightsMissing      a weight file is absent or is not the published one
 ├─ JobFailed               the model answered with an error for this input
 ├─ ResultLost              the call ran but its answer is gone; it has to be made again
 ├─ QueueFull               too much is waiting already
 └─ BudgetUsedUp            the call would cost more than may be spent this month
"""

from __future__ import annotations


class BackendError(Exception):
    """Base of all backend errors.

    `remedy` says what a person can do about it, `details` is what a programmer wants to know: a traceback.
    """

    def __init__(self, message: str, *, remedy: str = "", details: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy
        self.details = details


class BackendUnavailable(BackendError):
    """Nothing answered; the same call may succeed later."""


class NotDeployed(BackendError):
    """The app or the function is not deployed."""


class BackendMisconfigured(BackendError):
    """A setting, a credential or a weight is missing or wrong."""


class CredentialsRefused(BackendMisconfigured):
    """The token is missing or not accepted; work waits until a person has mended that."""


class WeightsMissing(BackendMisconfigured):
    """A weight file is absent, or its hash is not the published one."""


class JobFailed(BackendError):
    """The model answered with an error for this input."""


class ResultLost(BackendError):
    """The call ran, but its answer is gone."""


class QueueFull(BackendError):
    """Too much is waiting already."""


class BudgetUsedUp(BackendError):
    """The call would cost more than may be spent this month."""


def sentence(error: BaseException) -> str:
    """An error with what a person can do about it."""
    text, remedy = str(error), getattr(error, "remedy", "")
    return (text if remedy in text else f"{text} {remedy}").strip() or type(error).__name__
