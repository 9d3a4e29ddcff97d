"""The state space models of InterMamba (equations 4 to 6) and the mixed one of Section IV-D.

Shapes: B batch, E channels, L sequence, N state, R rank of the step projection.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .scan import selective_scan

STEP_RANGE = (1e-3, 1e-1)  # what softplus gives for the step sizes at the start of training


class MSSM(nn.Module):
    """The mixed state space model (Fig. 4b): the guide decides B, C and Delta, x runs through the recurrence.

    A sequence of fewer channels than it was made for uses the first ones: that is how a short clip goes through
    a spatial branch, whose channels are the clip's tokens.
    """

    def __init__(self, channels: int, config: ModelConfig) -> None:
        super().__init__()
        self.state, self.delta = config.state, config.delta
        self.rank = math.ceil(channels / config.expand / 16) if self.delta == "low_rank" else 1
        self.x_proj = nn.Linear(channels, self.rank + 2 * self.state, bias=False)
        if self.delta == "low_rank":
            bound = self.rank**-0.5
            self.dt_weight = nn.Parameter(torch.empty(channels, self.rank).uniform_(-bound, bound))
        else:
            self.dt_weight = nn.Parameter(torch.ones(1, 1))
        self.dt_bias = nn.Parameter(_initial_steps(channels))  # P of equation 6
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, self.state + 1)).repeat(channels, 1))
        self.D = nn.Parameter(torch.ones(channels))

    def forward(self, x_BEL: Tensor, guide_BEL: Tensor) -> Tensor:
        """Give y_BEL."""
        channels = x_BEL.shape[1]
        projected_BLK = F.linear(guide_BEL.transpose(1, 2), self.x_proj.weight[:, :channels])
        step_BLR, B_BLN, C_BLN = projected_BLK.split([self.rank, self.state, self.state], -1)
        A_EN = -torch.exp(self.A_log[:channels])
        delta_BEL = self._step_sizes(step_BLR, channels)
        return selective_scan(
            x_BEL, delta_BEL, A_EN, B_BLN.transpose(1, 2), C_BLN.transpose(1, 2), self.D[:channels]
        )

    def _step_sizes(self, step_BLR: Tensor, channels: int) -> Tensor:
        if (
            self.delta == "eq6"
        ):  # a LayerNorm over one value would always give zero, so it is over the sequence
            step_BLR = F.layer_norm(step_BLR.squeeze(-1), step_BLR.shape[1:2]).unsqueeze(-1)
            weight = self.dt_weight
        else:
            weight = self.dt_weight[:channels]
        return F.softplus(F.linear(step_BLR, weight) + self.dt_bias[:channels]).transpose(1, 2)


class SSM(MSSM):
    """The selective state space model (Fig. 4a, equations 4 to 6): x decides its own B, C and Delta."""

    def forward(self, x_BEL: Tensor, guide_BEL: Tensor | None = None) -> Tensor:
        """Give y_BEL; there is no guide but x."""
        return super().forward(x_BEL, x_BEL)


def _initial_steps(channels: int) -> Tensor:
    """Give the bias before the softplus for step sizes spread evenly in logarithm over STEP_RANGE."""
    low, high = (math.log(step) for step in STEP_RANGE)
    steps = torch.exp(torch.empty(channels).uniform_(low, high))
    return steps + torch.log(-torch.expm1(-steps))
