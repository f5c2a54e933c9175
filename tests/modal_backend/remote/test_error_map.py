"""What Modal's errors mean for a call: wait, make it again, or fail it with the reason."""

from __future__ import annotations

import pytest
from modal import exception as modal

from modal_backend.errors import (
    BackendMisconfigured,
    BackendUnavailable,
    CredentialsRefused,
    JobFailed,
    NotDeployed,
    QueueFull,
    ResultLost,
)
from modal_backend.remote.error_map import translated
from modal_backend.waiting import AWAITED

# By the gRPC status that Modal's client makes each of (modal/_grpc_client.py).
MEANING = {
    "UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, UNKNOWN": (modal.ServiceError, BackendUnavailable),
    "INTERNAL": (modal.InternalError, BackendUnavailable),
    "ABORTED, FAILED_PRECONDITION": (modal.ConflictError, BackendUnavailable),
    "RESOURCE_EXHAUSTED": (modal.ResourceExhaustedError, QueueFull),
    "UNAUTHENTICATED": (modal.AuthError, CredentialsRefused),
    "PERMISSION_DENIED": (modal.PermissionDeniedError, CredentialsRefused),
    "NOT_FOUND": (modal.NotFoundError, NotDeployed),
    "DATA_LOSS": (modal.DataLossError, ResultLost),
    "INVALID_ARGUMENT, OUT_OF_RANGE": (modal.InvalidError, BackendMisconfigured),
    "UNIMPLEMENTED": (modal.UnimplementedError, BackendMisconfigured),
    "an answer that was raised": (modal.RemoteError, JobFailed),
}


@pytest.mark.parametrize("status", MEANING)
def test_a_status_of_modal_is_waited_for_unless_only_another_call_or_a_person_helps(status):
    raised, meant = MEANING[status]
    error = translated(raised("boom"))
    assert type(error) is meant
    assert "boom" in str(error)
    assert isinstance(error, AWAITED) == (meant not in (ResultLost, BackendMisconfigured, JobFailed))
