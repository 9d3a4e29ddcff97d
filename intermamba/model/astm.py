"""Adaptive Spatio-Temporal Mamba: equations 7 to 10, 12 and 13, and the fusions of Table IV.

Shapes: B batch (people folded in), L tokens, D width, E inner width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .conv import causal_conv
from .ssm import MSSM, SSM


class AdaLN(nn.Module):
    """LayerNorm whose scale and shift come from the condition; at the start it is a plain LayerNorm."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.linear = nn.Linear(condition, 2 * width)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, h_BLD: Tensor, emb_BD: Tensor) -> Tensor:
        """Give the normalised h_BLD."""
        scale_BD, shift_BD = self.linear(F.silu(emb_BD)).chunk(2, -1)
        normal_BLD = F.layer_norm(h_BLD, h_BLD.shape[-1:], eps=1e-6)
        return torch.addcmul(shift_BD[:, None], normal_BLD, 1 + scale_BD[:, None])


class CausalConv(nn.Module):
    """A depthwise convolution that sees the present and the past of its channel, and a SiLU after it."""

    def __init__(self, channels: int, taps: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, taps).uniform_(-(taps**-0.5), taps**-0.5))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x_BEL: Tensor) -> Tensor:
        """Give x_BEL convolved along L."""
        channels = x_BEL.shape[1]
        return causal_conv(x_BEL, self.weight[:channels], self.bias[:channels])


class TemporalBranch(nn.Module):
    """Equation 7 after its Linear: convolution, state space model and LayerNorm, with the tokens as the sequence."""

    def __init__(self, config: ModelConfig, ssm: type[MSSM]) -> None:
        super().__init__()
        self.conv = CausalConv(config.inner, config.conv)
        self.conv_guide = CausalConv(config.inner, config.conv) if ssm is MSSM else nn.Identity()
        self.ssm = ssm(config.inner, config)
        self.norm = nn.Identity() if config.fusion == "plus" else nn.LayerNorm(config.inner)

    def forward(self, x_BLE: Tensor, guide_BLE: Tensor | None = None) -> Tensor:
        """Give h_t, (B,L,E); a guide is for the mixed model alone."""
        x_BEL = self.conv(x_BLE.transpose(1, 2))
        guide_BEL = x_BEL if guide_BLE is None else self.conv_guide(guide_BLE.transpose(1, 2))
        return self.norm(self.ssm(x_BEL, guide_BEL).transpose(1, 2))


class TokenLinear(nn.Linear):
    """A linear layer over the tokens of a clip, however short."""

    def forward(self, x_BLE: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Give every token a mixture of all tokens, (B,L,E)."""
        tokens = x_BLE.shape[1]
        return torch.matmul(self.weight[:tokens, :tokens], x_BLE) + self.bias[:tokens, None]


class TokenNorm(nn.LayerNorm):
    """A LayerNorm along the tokens of a clip, however short."""

    def forward(self, x_BEL: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Give the normalised x_BEL."""
        tokens = x_BEL.shape[2]
        return F.layer_norm(x_BEL, (tokens,), self.weight[:tokens], self.bias[:tokens])


class SpatialBranch(nn.Module):
    """Equation 8: the same along the features, with the tokens as the channels.

    Its weights belong to the places of the longest clip's tokens; a clip of L tokens uses the first L.
    """

    def __init__(self, config: ModelConfig, ssm: type[MSSM]) -> None:
        super().__init__()
        tokens, mixed = config.max_tokens, ssm is MSSM
        self.mix = TokenLinear(tokens, tokens)
        self.mix_guide = TokenLinear(tokens, tokens) if mixed else nn.Identity()
        self.conv = CausalConv(tokens, config.conv)
        self.conv_guide = CausalConv(tokens, config.conv) if mixed else nn.Identity()
        self.ssm = ssm(tokens, config)
        self.norm = nn.Identity() if config.fusion == "plus" else TokenNorm(tokens)

    def forward(self, x_BLE: Tensor, guide_BLE: Tensor | None = None) -> Tensor:
        """Give h_s, (B,L,E). Read as (batch, channels, sequence), x needs no transposing."""
        x_BLE = self.conv(self.mix(x_BLE))
        guide_BLE = x_BLE if guide_BLE is None else self.conv_guide(self.mix_guide(guide_BLE))
        return self.norm(self.ssm(x_BLE, guide_BLE).transpose(1, 2)).transpose(1, 2)


class ASTM(nn.Module):
    """Equations 7 to 9, and 13 where a guide is given: z = w_alpha h_t + w_beta h_s.

    Or another fusion of Table IV, which names them and gives no equations. They are read as: "sum" (without adaptive
    parameters) z = h_t + h_s; "linear" z = Linear([h_t, h_s]); "gate" z = g h_t + (1 - g) h_s with
    g = sigmoid(Linear([h_t, h_s])) for every channel of every token; "plus", which the table has beside the sum, adds
    the branches before they are normalised, z = LayerNorm(h_t + h_s). Of a single branch, z is that branch.
    """

    def __init__(self, config: ModelConfig, ssm: type[MSSM] = SSM) -> None:
        super().__init__()
        inner = config.inner
        self.fusion = config.fusion if config.branches == "both" else "sum"
        self.in_proj = nn.Linear(config.width, inner)
        self.in_proj_guide = nn.Linear(config.width, inner) if ssm is MSSM else nn.Identity()
        self.temporal = TemporalBranch(config, ssm) if config.branches != "spatial" else None
        self.spatial = SpatialBranch(config, ssm) if config.branches != "temporal" else None
        if self.fusion == "adaptive":
            self.w_alpha = nn.Parameter(torch.tensor(0.5))
            self.w_beta = nn.Parameter(torch.tensor(0.5))
        elif self.fusion == "plus":
            self.fuse = nn.LayerNorm(inner)
        elif self.fusion != "sum":
            self.fuse = nn.Linear(2 * inner, inner)

    def forward(self, h_BLD: Tensor, inter_BLD: Tensor | None = None) -> Tensor:
        """Give z, (B,L,E)."""
        x_BLE = self.in_proj(h_BLD)
        guide_BLE = None if inter_BLD is None else self.in_proj_guide(inter_BLD)
        h = [branch(x_BLE, guide_BLE) for branch in (self.temporal, self.spatial) if branch is not None]
        if self.fusion == "adaptive":
            return self.w_alpha * h[0] + self.w_beta * h[1]
        if self.fusion == "sum":
            return h[0] if len(h) == 1 else h[0] + h[1]
        if self.fusion == "plus":
            return self.fuse(h[0] + h[1])
        both_BLE = self.fuse(torch.cat(h, -1))
        if self.fusion == "linear":
            return both_BLE
        gate_BLE = torch.sigmoid(both_BLE)
        return gate_BLE * h[0] + (1 - gate_BLE) * h[1]


class SelfASTM(nn.Module):
    """Equation 10: one person's own motion. The LayerNorm is conditioned on the step and the text."""

    def __init__(self, config: ModelConfig, ssm: type[MSSM] = SSM) -> None:
        super().__init__()
        self.norm = AdaLN(config.width, config.width)
        self.astm = ASTM(config, ssm)
        self.gate = nn.Linear(config.width, config.inner)
        self.out_proj = nn.Linear(config.inner, config.width)

    def forward(self, h_BLD: Tensor, emb_BD: Tensor, inter_BLD: Tensor | None = None) -> Tensor:
        """Give h_BLD with what was learnt added."""
        normal_BLD = self.norm(h_BLD, emb_BD)
        return h_BLD + self.out_proj(self.astm(normal_BLD, inter_BLD) * F.silu(self.gate(normal_BLD)))


class CrossASTM(SelfASTM):
    """Equation 12: Self-ASTM with the mixed state space model, guided by both people's h_inter."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, MSSM)
