"""InterMamba (Fig. 3), and the choice between it and the transformer that it is compared with.

Shapes: B batch, L tokens, D width.
"""

import torch
from torch import Tensor, nn

from .astm import AdaLN, CrossASTM, SelfASTM
from .config import ModelConfig
from .denoiser import Denoiser, others, zero
from .transformer import Transformer


class LIIA(nn.Module):
    """Local Interaction Information Aggregation, equation 11: h_inter of both people."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        both = 2 * config.width
        self.norm = AdaLN(both, config.width)
        self.conv_1 = nn.Linear(both, both)  # a convolution of one tap
        self.conv_3 = nn.Conv1d(both, config.width, 3, padding=1, groups=2)

    def forward(self, first_BLD: Tensor, second_BLD: Tensor, emb_BD: Tensor) -> Tensor:
        """Give h_inter, (B,L,D)."""
        both = self.conv_1(self.norm(torch.cat([first_BLD, second_BLD], -1), emb_BD))
        return self.conv_3(both.transpose(1, 2)).transpose(1, 2)


class Block(nn.Module):
    """Self-ASTM of each person, LIIA of both, Cross-ASTM of each; `config.guide` leaves the latter two out.

    `people` as in Denoiser. Where the people share their weights, LIIA looks from each person at the other; otherwise
    one h_inter serves both.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        roles = 1 if config.shared_people else 2
        cross = config.guide != "none"
        self.self_astm = nn.ModuleList(SelfASTM(config) for _ in range(roles))
        self.liia = LIIA(config) if config.guide == "liia" else None
        self.cross_astm = nn.ModuleList(CrossASTM(config) for _ in range(roles * cross))
        residual = config.inter_residual and cross
        self.residual = zero(nn.Linear(config.width, config.width)) if residual else None

    def forward(self, people: list[Tensor], emb_BD: Tensor) -> list[Tensor]:
        """Give the next state of the people."""
        people = [astm(h, emb_BD) for astm, h in zip(self.self_astm, people, strict=True)]
        if not self.cross_astm:
            return people
        guides = others(people)
        if self.liia is not None:
            guides = [self.liia(people[0], guides[0], emb_BD)] * len(people)
        if self.residual is not None:  # equation 12 lets the other person act through B, C and Delta alone
            people = [h + self.residual(guide) for h, guide in zip(people, guides, strict=True)]
        return [
            astm(h, emb_BD, guide) for astm, h, guide in zip(self.cross_astm, people, guides, strict=True)
        ]


class InterMamba(Denoiser):
    """The paper's denoiser and its text transformer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, Block)


def make_network(config: ModelConfig) -> Denoiser:
    """Give the network that `config.denoiser` names, with new weights."""
    return Transformer(config) if config.denoiser == "transformer" else InterMamba(config)
