"""InterCLIP: two people's motion and a sentence in one space, learnt by contrast (InterGen, Liang et al. 2023).

Shapes: B batch, P = 2 people, T frames, F = 262 features, L motion tokens, S text tokens, C text channels,
W width, E the common space.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intermamba.motion.features import CONTACTS

MOTION_FEATURES = CONTACTS.start
"""The evaluator sees positions, velocities and rotations of each person, and not the foot contacts."""


@dataclass(frozen=True, kw_only=True)
class TransformerSize:
    """Sizes of a transformer encoder."""

    width: int
    layers: int
    heads: int
    ff: int


@dataclass(frozen=True, kw_only=True)
class InterCLIPConfig:
    """Sizes of the evaluator; `paper()` and `small()` are the two that have been used.

    With a `vocabulary` the text comes as token ids (CLIP's) and is looked up in a frozen table of the text
    encoder's width; without one it comes as the features of a frozen encoder, `text_channels` wide.
    """

    motion: TransformerSize
    text: TransformerSize
    space: int
    patch: int = 1
    """Frames of one motion token."""
    vocabulary: int = 0
    text_positions: int = 77
    text_channels: int = 384
    dropout: float = 0.1

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> "InterCLIPConfig":
        """The inverse of to_json."""
        sizes = {name: TransformerSize(**values[name]) for name in ("motion", "text")}
        return InterCLIPConfig(**{**values, **sizes})


def paper() -> InterCLIPConfig:
    """InterGen's evaluator, 150.8 million parameters: motion as it is in metres, text as CLIP's token ids."""
    return InterCLIPConfig(
        motion=TransformerSize(width=1024, layers=8, heads=8, ff=2048),
        text=TransformerSize(width=768, layers=8, heads=8, ff=2048),
        space=512,
        vocabulary=49408,
    )


def small() -> InterCLIPConfig:
    """An evaluator that two CPU cores train in minutes; its text is the bundled encoder's token features."""
    return InterCLIPConfig(
        motion=TransformerSize(width=160, layers=4, heads=4, ff=320),
        text=TransformerSize(width=160, layers=2, heads=4, ff=320),
        space=128,
        patch=4,
    )


class MotionEncoder(nn.Module):
    """Both people's features, frame by frame, through a transformer whose first token gathers the answer."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: InterCLIPConfig) -> None:
        super().__init__()
        size, self.patch = config.motion, config.patch
        self.embed = nn.Linear(config.patch * 2 * MOTION_FEATURES, size.width)
        self.query = nn.Parameter(torch.empty(1, size.width).uniform_(-0.05, 0.05))
        self.dropout = nn.Dropout(config.dropout)
        self.transformer = _transformer(size, config.dropout)
        self.norm = nn.LayerNorm(size.width)
        self.out = nn.Linear(size.width, config.space)
        self.register_buffer("mean", torch.zeros(MOTION_FEATURES))
        self.register_buffer("std", torch.ones(MOTION_FEATURES))

    def forward(self, features_BPTF: Tensor, mask_BT: Tensor) -> Tensor:
        """(B,2,T,262) features and a mask that is true on frames that count -> (B,E), of any length."""
        x = (features_BPTF[..., :MOTION_FEATURES] - self.mean) / self.std
        x_BTF = x.transpose(1, 2).flatten(2) * mask_BT[..., None]
        missing = -x_BTF.shape[1] % self.patch
        x_BTF, mask_BT = F.pad(x_BTF, (0, 0, 0, missing)), F.pad(mask_BT, (0, missing))
        token_mask_BL = F.pad(mask_BT.unflatten(1, (-1, self.patch)).any(-1), (1, 0), value=True)
        tokens = self.embed(x_BTF.unflatten(1, (-1, self.patch)).flatten(2))
        tokens_BLW = torch.cat((self.query.expand(len(tokens), 1, -1), tokens), 1)
        tokens_BLW = self.dropout(tokens_BLW + sinusoid(*tokens_BLW.shape[1:]).to(tokens_BLW))
        answer_BW = self.transformer(tokens_BLW, src_key_padding_mask=~token_mask_BL)[:, 0]
        return self.out(self.norm(answer_BW))


class SentenceEncoder(nn.Module):
    """Text tokens through a transformer; the end-of-text token gathers the answer."""

    def __init__(self, config: InterCLIPConfig) -> None:
        super().__init__()
        size = config.text
        if config.vocabulary:
            table = torch.zeros(config.vocabulary, size.width)  # CLIP's, once its checkpoint is loaded
            self.embed = nn.Embedding.from_pretrained(table)
            self.positions = nn.Parameter(torch.zeros(config.text_positions, size.width))
        else:
            self.embed = nn.Linear(config.text_channels, size.width)
            self.positions = None  # the features know their places
        self.transformer = _transformer(size, config.dropout)
        self.norm = nn.LayerNorm(size.width)
        self.out = nn.Linear(size.width, config.space)

    def forward(self, tokens: Tensor, mask_BS: Tensor) -> Tensor:
        """Features (B,S,C) or ids (B,S), and a mask that is true on tokens -> (B,E).

        CLIP's own use is an all-true mask over 77 ids, of which the end-of-text mark is the highest.
        """
        x_BSW = self.embed(tokens)
        if self.positions is None:
            end_B = mask_BS.sum(1) - 1
        else:
            x_BSW, end_B = x_BSW + self.positions[: x_BSW.shape[1]], tokens.argmax(1)
        x_BSW = self.norm(self.transformer(x_BSW, src_key_padding_mask=~mask_BS))
        return self.out(x_BSW[torch.arange(len(x_BSW)), end_B])


class InterCLIP(nn.Module):
    """Both encoders. Their answers are vectors of one length, the learned `latent_scale`."""

    def __init__(self, config: InterCLIPConfig) -> None:
        super().__init__()
        self.config = config
        self.motion_encoder = MotionEncoder(config)
        self.sentence_encoder = SentenceEncoder(config)
        self.latent_scale = nn.Parameter(torch.tensor([3.8]))  # its square is 14, where CLIP begins

    def encode_motion(self, features_BPTF: Tensor, mask_BT: Tensor) -> Tensor:
        """(B,2,T,262), (B,T) -> (B,E)."""
        return F.normalize(self.motion_encoder(features_BPTF, mask_BT), dim=-1) * self.latent_scale

    def encode_text(self, tokens: Tensor, mask_BS: Tensor) -> Tensor:
        """(B,S,C) or (B,S), (B,S) -> (B,E)."""
        return F.normalize(self.sentence_encoder(tokens, mask_BS), dim=-1) * self.latent_scale


def contrastive_loss(motion_BE: Tensor, text_BE: Tensor, targets_BB: Tensor) -> Tensor:
    """Cross-entropy of every motion against all sentences and of every sentence against all motions.

    The logits are InterGen's, latent_scale squared times the cosine; its targets are the identity, ours any
    symmetric matrix, whose rows are made to sum to one.
    """
    logits_BB = motion_BE @ text_BE.T
    targets_BB = targets_BB / targets_BB.sum(1, keepdim=True)
    return (F.cross_entropy(logits_BB, targets_BB) + F.cross_entropy(logits_BB.T, targets_BB)) / 2


def shared_targets(tokens_BSC: Tensor, mask_BS: Tensor, kinds: Sequence[str]) -> Tensor:
    """Targets (B,B) in which a sentence shares in the motions of sentences that mean nearly the same.

    Many pairs of a batch show one interaction (`kinds`, "" where unknown), and to push them all apart would be
    wrong. The share is exp((cosine - 1) / temperature) of the sentences' mean token features. Words alone tell
    too little ("walk past" is as near to "walk beside" as two ways of saying "hug"), so the temperature is high
    within one interaction and low elsewhere, where next to nothing but the same sentence shares.
    """
    counts = mask_BS.sum(1, keepdim=True)
    sentences = F.normalize((tokens_BSC * mask_BS[..., None]).sum(1) / counts, dim=-1)
    same = torch.tensor([[bool(one) and one == other for other in kinds] for one in kinds])
    temperature = torch.where(same, 0.2, 0.05).to(sentences)
    return ((sentences @ sentences.T - 1) / temperature).exp()


def sinusoid(length: int, width: int) -> Tensor:
    """Positions (length, width): sines in the even columns, cosines in the odd ones (Vaswani et al. 2017)."""
    rate = 10000 ** (-torch.arange(0, width, 2) / width)
    angle = torch.arange(length)[:, None] * rate
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(1)


def _transformer(size: TransformerSize, dropout: float) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        size.width, size.heads, size.ff, dropout, activation="gelu", batch_first=True
    )
    return nn.TransformerEncoder(layer, size.layers, enable_nested_tensor=False)
