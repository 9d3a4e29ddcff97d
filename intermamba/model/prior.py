"""What a prompt asks for on average, said without a look at the noisy motion. Not in the paper.

In the noisiest steps the best that any network can say is this mean, and which interaction a clip shows is decided
there. A denoiser of few parameters learns it slowly, out of noise; as a function of prompt and moment alone it is plain
regression, and minutes are enough. Where the condition asks for a way as well (see ways.py), the mean is of that alone.

Shapes: B batch, P people (2), L tokens, C channels of the condition, D width, F features.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig


class Prior(nn.Module):
    """A perceptron of the condition, the person and the token's place, counted from both ends and from the middle."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.told = nn.Linear(config.condition_width, 4 * config.prior)
        self.place = nn.Linear(3 * config.width, config.prior)
        self.inner = nn.ModuleList(nn.Linear(config.prior, config.prior) for _ in range(2))
        self.out = nn.Linear(config.prior, config.patch * config.features)
        # It counts as much as the denoiser where the noise is 6 times the signal; both are learnt.
        self.gate = nn.Parameter(torch.tensor([2.0, math.log(6.0)]))

    def forward(self, cond_BC: Tensor, places_LE: Tensor) -> Tensor:
        """Give the mean motion (B,P,L,patch*F); places_LE is what the denoiser's `places` gives."""
        scale_BPH, shift_BPH = self.told(cond_BC).unflatten(-1, (2, -1)).chunk(2, -1)
        h_BPLH = F.silu(self.place(places_LE) * (1 + scale_BPH[:, :, None]) + shift_BPH[:, :, None])
        for layer in self.inner:
            h_BPLH = h_BPLH + F.silu(layer(h_BPLH))
        return self.out(h_BPLH)

    def share(self, t_B: Tensor) -> Tensor:
        """Give how much of x_0 (B,1,1,1) is the prior's at a diffusion step: near 1 in nothing but noise."""
        # The cosine schedule's angle at step t - 1: at t = 999 its own has no signal, and this is finite. Elsewhere the
        # gate, which is learnt, takes up the difference: 0.1 of the logarithm at t = 990.
        angle_B = (t_B.float() / 1000 + 0.008) / 1.008 * (math.pi / 2)
        noise_to_signal_B = torch.log(torch.sin(angle_B) / torch.cos(angle_B))
        return torch.sigmoid(self.gate[0] * (noise_to_signal_B - self.gate[1]))[:, None, None, None]
