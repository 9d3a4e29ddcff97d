"""The baseline: a transformer of InterGen's shape (Liang et al. 2023), whose two people share every weight.

Shapes: B batch (people folded in), L tokens, D width.
"""

from torch import Tensor, nn

from .astm import AdaLN
from .config import ModelConfig
from .denoiser import Denoiser, others, zero


class Attention(nn.Module):
    """Multi-head attention to the tokens and, as InterGen has it, to a zero that stands for nothing."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = nn.MultiheadAttention(
            config.width,
            config.attention_heads,
            config.attention_dropout,
            add_zero_attn=True,
            batch_first=True,
        )

    def forward(self, h_BLD: Tensor, to_BLD: Tensor) -> Tensor:
        """Give what h_BLD reads in to_BLD."""
        return self.heads(h_BLD, to_BLD, to_BLD, need_weights=False)[0]


class TransformerBlock(nn.Module):
    """Attention to oneself, to the other person as the block before left them, and two layers at each token.

    Each part reads the state through an AdaLN of its own and adds to it.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.norm_self, self.norm_cross, self.norm_other, self.norm_ff = (
            AdaLN(width, width) for _ in range(4)
        )
        self.self_attention = Attention(config)
        self.cross_attention = Attention(config)
        self.ff = nn.Sequential(
            nn.Linear(width, config.inner),
            nn.GELU(),
            nn.Dropout(config.attention_dropout),
            zero(nn.Linear(config.inner, width)),
        )

    def forward(self, people: list[Tensor], emb_BD: Tensor) -> list[Tensor]:
        """Give the next state of the people; `people` has one tensor, as Denoiser says."""
        (h_BLD,), (other_BLD,) = people, others(people)
        normal_BLD = self.norm_self(h_BLD, emb_BD)
        h_BLD = h_BLD + self.self_attention(normal_BLD, normal_BLD)
        read_BLD = self.norm_other(other_BLD, emb_BD)
        h_BLD = h_BLD + self.cross_attention(self.norm_cross(h_BLD, emb_BD), read_BLD)
        return [h_BLD + self.ff(self.norm_ff(h_BLD, emb_BD))]


class Transformer(Denoiser):
    """InterGen's denoiser and its text transformer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, TransformerBlock)
