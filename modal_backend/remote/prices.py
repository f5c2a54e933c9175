"""What Modal charges: list prices, in one place, with their date. An estimate, never an invoice."""

from __future__ import annotations

from modal_backend.registry import REMOTE

# modal.com/pricing as read between May and September 2026; dollars a second.
AS_OF = "September 2026"
GPU = {
    "T4": 0.000164,
    "L4": 0.000222,
    "A10": 0.000306,
    "L40S": 0.000542,
    "A100-40GB": 0.000583,
    "A100-80GB": 0.000694,
    "H100": 0.001097,
    "H200": 0.001261,
    "B200": 0.001736,
}
CPU_CORE = 0.0000131
MEMORY_GIB = 0.00000222


def per_second(model: str) -> float:
    """Dollars a second while a container of this model runs, without regional or non-preemptible surcharges."""
    remote = REMOTE[model]
    gpu = GPU[remote.gpu] if remote.gpu else 0.0
    return gpu + remote.cpu * CPU_CORE + remote.memory / 1024 * MEMORY_GIB
