"""What agreeing features prove by themselves."""

from __future__ import annotations

from modal_backend.models.evidence.chance import RAPID_CHANCE, proven


def test_more_agreeing_features_never_prove_less_and_chance_proves_nothing():
    proofs = [proven(count) for count in range(100)]
    assert proofs == sorted(proofs)
    assert proofs[RAPID_CHANCE] == 0.0
    assert proofs[79] >= 0.95
    assert max(proofs) < 1.0
