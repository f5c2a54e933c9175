"""How large a container on Modal a model needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remote:
    """How a model runs on Modal.

    cls: name of its class in the app. gpu: Modal's name of the tier, None for CPU. cpu: cores; memory: MiB. timeout:
    seconds one call may run; startup_timeout: seconds for imports and loading; scaledown_window: idle seconds before
    a container ends; retries: by Modal, when the function itself fails or times out. batch: calls that one container
    takes together, 1 for none; wait_ms: how long it waits for them.
    """

    cls: str
    gpu: str | None = None
    cpu: float = 2.0
    memory: int = 4096
    timeout: int = 300
    startup_timeout: int = 300
    scaledown_window: int = 120
    max_containers: int = 10
    retries: int = 2
    batch: int = 1
    wait_ms: int = 50
