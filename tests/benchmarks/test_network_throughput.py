"""Each network at its batch size against the bare loop of its library, where there is a GPU: at least 0.9 of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from modal_backend.models.embeddings import megadescriptor, miewid, part_pose, tiger_reid
from modal_backend.models.embeddings.crop_network import BATCH_GPU, CropNetwork, Preprocessing

NETWORKS = {
    "tiger-reid": (tiger_reid.BNNeck, tiger_reid.PREPROCESSING, 2048),
    "megadescriptor": (partial(megadescriptor.network_of, "L-384"), Preprocessing(384, 384), 1536),
    "miewid": (miewid.MiewID, miewid.PREPROCESSING, 2152),
    "cvwc2019": (part_pose.GlobalStream, part_pose.PREPROCESSING, 2048),
}
BATCHES = 8


def seconds(work: Callable[[], object]) -> float:
    """Of the faster of three runs, after one to warm up."""
    work()
    taken = []
    for _ in range(3):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return min(taken)


@pytest.mark.benchmark
@pytest.mark.skipif(not torch.cuda.is_available(), reason="a GPU: there is none on this machine")
@pytest.mark.parametrize("name", NETWORKS)
def test_throughput_is_at_least_nine_tenths_of_the_bare_loop(name: str, measured) -> None:
    build, preprocessing, dimension = NETWORKS[name]
    model = CropNetwork(build(), preprocessing, dimension)
    size = (preprocessing.height, preprocessing.width, 3)
    crops = [np.random.default_rng(seed).integers(0, 255, size, np.uint8) for seed in range(BATCH_GPU)] * BATCHES
    model.embed(crops[:1])

    @torch.inference_mode()
    def bare() -> None:
        for start in range(0, len(crops), BATCH_GPU):
            values = preprocessing.tensor(crops[start : start + BATCH_GPU]).cuda()
            with torch.autocast("cuda", torch.float16):
                model.network(values).float().cpu()

    ratio = seconds(bare) / seconds(lambda: model.embed(crops))
    measured(f"{name} on a GPU, share of the bare loop", ratio, at_least=0.9)
    assert ratio >= 0.9
