"""Positions and diffusion steps as vectors."""

import math

import torch
from torch import Tensor


def sinusoid(position_B: Tensor, width: int) -> Tensor:
    """Give the transformer's sine and cosine features (B, width) of a position or diffusion step."""
    rate = torch.exp(-math.log(10000.0) * torch.arange(width // 2, device=position_B.device) / (width // 2))
    angle = position_B[:, None].float() * rate
    return torch.cat([torch.cos(angle), torch.sin(angle)], -1)


def waves(position_L: Tensor, width: int) -> Tensor:
    """Give cosines and sines (L, width) of evenly spaced rates up to half a turn, the quickest that whole steps tell.

    Of `sinusoid`'s rates nearly all are slow, and what is quick, a blow or a wave of the hand, is learnt last.
    """
    rate = torch.arange(1, width // 2 + 1, device=position_L.device) * (2 * math.pi / width)
    angle = position_L[:, None].float() * rate
    return torch.cat([torch.cos(angle), torch.sin(angle)], -1)
