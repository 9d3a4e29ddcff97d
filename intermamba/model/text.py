"""The trainable text transformer between a frozen encoder's tokens and the network's condition.

Shapes: B batch, S text tokens, C channels of the condition.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig


class TextTransformer(nn.Module):
    """Two layers over the frozen encoder's token features, then their mean, as InterGen does with CLIP.

    MiniLM has no end-of-text token whose vector stands for the sentence, hence the mean over real tokens.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.condition_width
        self.in_proj = nn.Linear(config.text_width, width)
        layer = nn.TransformerEncoderLayer(
            width, config.text_heads, config.text_ff, config.text_dropout, "gelu", batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, config.text_layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.sentence = nn.Linear(config.text_width, width, bias=False) if config.direct_text else None
        if self.sentence is not None:
            nn.init.zeros_(self.sentence.weight)

    def forward(self, tokens_BSK: Tensor, mask_BS: Tensor) -> Tensor:
        """Give cond_BC from features of the frozen encoder; the mask is True at real tokens."""
        x_BSC = self.layers(self.in_proj(tokens_BSK), src_key_padding_mask=~mask_BS)
        x_BSC = self.norm(x_BSC)
        weight_BS1 = mask_BS[:, :, None].to(x_BSC.dtype)
        cond_BC = (x_BSC * weight_BS1).sum(1) / weight_BS1.sum(1).clamp(min=1)
        if (
            self.sentence is not None
        ):  # MiniLM was trained so that the directions of these sums compare sentences
            sum_BK = (tokens_BSK * weight_BS1).sum(1)
            cond_BC = cond_BC + self.sentence(F.normalize(sum_BK, dim=-1) * sum_BK.shape[-1] ** 0.5)
        return cond_BC
