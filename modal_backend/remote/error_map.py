"""What an error of the Modal client means, once and for all: one of our own errors.

Measured with modal 1.6.4. Order matters: FunctionTimeoutError and OutputExpiredError are modal TimeoutErrors, none of
which is a builtin TimeoutError; ConflictError is an InvalidError; a function may itself raise anything, which the
traceback of its container tells apart.
"""

from __future__ import annotations

import re
import traceback
from types import TracebackType

from modal_backend.errors import (
    BackendError,
    BackendMisconfigured,
    BackendUnavailable,
    CredentialsRefused,
    JobFailed,
    NotDeployed,
    QueueFull,
    ResultLost,
)

# Modal names the files of a container's traceback after its task.
LONGEST_DETAILS = 6000
CONTAINER_FRAME = re.compile(r"<ta-[0-9A-Z]{26}>:")
DEPLOY = "run in the project's folder: modal deploy -m modal_backend.modal_app"
TOKEN = "Run: modal token set --token-id <id> --token-secret <secret>, or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET."


def translated(error: BaseException) -> BackendError:
    """The error of ours that an error raised by a Modal operation stands for."""
    if isinstance(error, BackendError):
        return error
    if raised_remotely(error):
        details = "".join(traceback.format_exception(error))[-LONGEST_DETAILS:]
        return JobFailed(f"The model raised {type(error).__name__}: {_gist(error)}", details=details)
    return _of_the_client(error) or BackendMisconfigured(f"Modal refused: {_text(error)}")


def raised_remotely(error: BaseException) -> bool:
    """Whether an error was raised by the function in its container and not by the client."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        if CONTAINER_FRAME.match(trace.tb_frame.f_code.co_filename):
            return True
        trace = trace.tb_next
    return "Could not deserialize remote exception" in str(error)


def _of_the_client(error: BaseException) -> BackendError | None:
    import modal.exception as modal

    if isinstance(error, modal.NotFoundError):
        return NotDeployed(f"Modal does not have it: {_text(error)}", remedy=f"To deploy it, {DEPLOY}")
    if isinstance(error, modal.FunctionTimeoutError):
        return JobFailed(f"The model took longer than its limit: {_text(error)}")
    if isinstance(error, modal.InternalFailure):
        return ResultLost(f"The container was lost: {_text(error)}")
    if isinstance(error, modal.DataLossError):
        return ResultLost(f"Modal lost what it had of this call: {_text(error)}")
    if isinstance(error, modal.OutputExpiredError):
        return ResultLost("Modal no longer has the result of this call.")
    if isinstance(error, modal.ConflictError):  # ABORTED and FAILED_PRECONDITION, as while an app is deployed
        return BackendUnavailable(f"Modal cannot do it in its present state: {_text(error)}")
    if isinstance(error, modal.ResourceExhaustedError):
        return QueueFull(f"Modal takes no more calls for now: {_text(error)}")
    if isinstance(error, modal.AuthError | modal.PermissionDeniedError):
        return CredentialsRefused(f"Modal does not accept the credentials: {_text(error)}", remedy=TOKEN)
    if isinstance(error, modal.RemoteError | modal.DeserializationError | modal.SerializationError):
        return JobFailed(f"The call ended without a result: {_gist(error) or 'it was cancelled'}")
    if _is_transient(error):
        return BackendUnavailable(f"Modal does not answer: {_text(error)}")
    if isinstance(error, modal.VersionError):
        return BackendMisconfigured(f"Modal refused: {_text(error)}", remedy="Run: pip install -r requirements.txt")
    return None


def _is_transient(error: BaseException) -> bool:
    import aiohttp
    import modal.exception as modal
    from grpclib.exceptions import StreamTerminatedError

    passing = (
        modal.ServiceError,
        modal.InternalError,
        modal.ConnectionError,
        modal.TimeoutError,
        modal.ClientClosed,
        StreamTerminatedError,
        aiohttp.ClientError,
        OSError,
        TimeoutError,
    )
    through_blobs = isinstance(error, modal.ExecutionError) and str(error).startswith(("Put to url", "Get from url"))
    return isinstance(error, passing) or through_blobs


def _gist(error: BaseException) -> str:
    """What an error says, without the traceback that some carry as their text: its last line, and not all of that."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__


def _text(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__
