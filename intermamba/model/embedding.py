"""Positions and diffusion steps as vectors."""

import math

import torch
from torch import Tensor


def sinusoid(position_B: Tensor, width: int) -> Tensor:
    """Give the transformer's sine and cosine features (B, width) of a position or diffusion step."""
    rate = torch.exp(-math.log(10000.0) * torch.arange(width // 2, device=position_B.device) / (width // 2))
    angle = position_B[:, None].float() * rate
    return torch.cat([torch.cos(angle), torch.sin(angle)], -1)
