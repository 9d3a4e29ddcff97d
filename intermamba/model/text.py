"""The trainable text transformer between a frozen encoder's tokens and the network's condition.

Shapes: B batch, S text tokens, C channels of the condition.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig


class TextTransformer(nn.Module):
    """Two layers over the frozen encoder's token features, as InterGen has them, then one vector of them.

    Over CLIP it is the vector of the last real token, the end of the text, which alone has seen the whole sentence.
    MiniLM has no such token, hence the mean over real ones.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, self.pool = config.condition_width, config.pool
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
        pooled_BS = last(mask_BS) if self.pool == "end_of_text" else mask_BS
        weight_BS1 = pooled_BS[:, :, None].to(x_BSC.dtype)
        cond_BC = (x_BSC * weight_BS1).sum(1) / weight_BS1.sum(1).clamp(min=1)
        if (
            self.sentence is not None
        ):  # MiniLM was trained so that the directions of these sums compare sentences
            sum_BK = (tokens_BSK * mask_BS[:, :, None].to(tokens_BSK.dtype)).sum(1)
            cond_BC = cond_BC + self.sentence(F.normalize(sum_BK, dim=-1) * sum_BK.shape[-1] ** 0.5)
        return cond_BC


def last(mask_BS: Tensor) -> Tensor:
    """Give a mask that is True at the last True of each row alone."""
    count_BS = mask_BS.long().cumsum(1)
    return mask_BS & (count_BS == count_BS[:, -1:])
