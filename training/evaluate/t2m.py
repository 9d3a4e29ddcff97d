"""The evaluator of Inter-X (Xu et al. 2024), of T2M's shape (Guo et al. 2022): recurrent networks on both sides.

Shapes: B batch, T frames, F = 672 features of both people, S words, W = 300 numbers of a word, C = 15 of its class,
E the common space.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from intermamba.errors import IntermambaError
from intermamba.motion.motion import Motion, resample
from intermamba.motion.placement import facing
from intermamba.motion.rotations import quat_apply, quat_multiply, yaw_quat
from intermamba.motion.skeleton import PELVIS
from training.data.clips import FPS
from training.data.interx import interx_clips, interx_features
from training.data.words import TAGS, WIDTH, Words

from .embedding import Footage, Judge, Stretch, View

LONGEST, UNIT = 150, 4
"""Frames that the networks see, and of one movement."""


@dataclass(frozen=True, kw_only=True)
class T2MConfig:
    """Sizes of the released evaluator."""

    features: int = 672
    movement: int = 512
    motion: int = 1024
    text: int = 512
    space: int = 512


class MovementEncoder(nn.Module):
    """Four frames become one movement, by two convolutions that each halve the rate."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (features, width):
            layers += [nn.Conv1d(channels, width, 4, 2, 1), nn.Dropout(0.2), nn.LeakyReLU(0.2)]
        self.main = nn.Sequential(*layers)
        self.out_net = nn.Linear(width, width)

    def forward(self, features_BTF: Tensor) -> Tensor:
        """(B,T,F) -> (B,T/4,width)."""
        return self.out_net(self.main(features_BTF.transpose(1, 2)).transpose(1, 2))


class Recurrent(nn.Module):
    """A sequence read from both ends by a GRU with a learned beginning; both ends' last states are the answer."""

    def __init__(self, channels: int, width: int, space: int) -> None:
        super().__init__()
        self.input_emb = nn.Linear(channels, width)
        self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.hidden = nn.Parameter(torch.randn(2, 1, width))
        self.output_net = nn.Sequential(
            nn.Linear(2 * width, width), nn.LayerNorm(width), nn.LeakyReLU(0.2), nn.Linear(width, space)
        )

    def forward(self, x_BSC: Tensor, lengths_B: Tensor) -> Tensor:
        """(B,S,C), of which each has its length -> (B,E)."""
        packed = pack_padded_sequence(
            self.input_emb(x_BSC), lengths_B.cpu(), batch_first=True, enforce_sorted=False
        )
        _, ends = self.gru(packed, self.hidden.expand(-1, len(x_BSC), -1).contiguous())
        return self.output_net(torch.cat((ends[0], ends[1]), -1))


class SentenceReader(Recurrent):
    """A sentence of word vectors, to each of which the embedding of its class is added."""

    def __init__(self, width: int, space: int) -> None:
        super().__init__(WIDTH, width, space)
        self.pos_emb = nn.Linear(len(TAGS), WIDTH)

    def read(self, words_BSW: Tensor, classes_BSC: Tensor, lengths_B: Tensor) -> Tensor:
        """(B,S,300), (B,S,15), (B,) -> (B,E)."""
        return self(words_BSW + self.pos_emb(classes_BSC), lengths_B)


class T2M(nn.Module):
    """The three networks; the names of their weights are the released ones."""

    def __init__(self, config: T2MConfig) -> None:
        super().__init__()
        self.config = config
        self.movement_encoder = MovementEncoder(config.features, config.movement)
        self.motion_encoder = Recurrent(config.movement, config.motion, config.space)
        self.text_encoder = SentenceReader(config.text, config.space)

    def encode_motion(self, features_BTF: Tensor, frames_B: Tensor) -> Tensor:
        """(B,150,F), zero beyond each one's frames, as in training -> (B,E)."""
        return self.motion_encoder(self.movement_encoder(features_BTF), frames_B // UNIT)

    def encode_text(self, words_BSW: Tensor, classes_BSC: Tensor, lengths_B: Tensor) -> Tensor:
        """(B,S,300), (B,S,15), (B,) -> (B,E)."""
        return self.text_encoder.read(words_BSW, classes_BSC, lengths_B)


def margin_loss(
    motion_BE: Tensor, text_BE: Tensor, shift: int, same_B: Tensor, margin: float = 10.0
) -> Tensor:
    """T2M's contrast: pairs come together, and each text goes `margin` away from the motion `shift` rows on.

    `same_B` is true where that motion has the text's own caption; nothing is pushed apart there.
    """
    own = F.pairwise_distance(text_BE, motion_BE)
    other = F.pairwise_distance(text_BE, motion_BE.roll(-shift, 0))
    return (own**2).mean() + ((margin - other).clamp(min=0) ** 2 * ~same_B).mean()


@dataclass(frozen=True, eq=False)
class InterXFootage:
    """Inter-X's features (T,56,12) of a clip, its captions, and where the first person faces at first (radians)."""

    values: NDArray[np.float32]
    captions: tuple[str, ...]
    heading: float

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return len(self.values)

    def features(self, start: int, frames: int) -> NDArray[np.float32]:
        """(frames,672) of a part, whose last frame has no velocity, as in the released loader."""
        part = self.values[start : start + frames].copy()
        part[-1, -1, 3:6] = part[-1, -1, 9:] = 0
        return part.reshape(frames, -1)


class T2MJudge(Judge):
    """T2M on Inter-X's own features, which it reads from the data set."""

    def __init__(self, model: T2M, words: Words, data: Path) -> None:
        """The model is left in evaluation mode."""
        super().__init__()
        self.model, self.words, self.data = model.eval(), words, data
        self.device = next(model.parameters()).device
        self.tokens: dict[str, tuple[str, ...]] = {}
        """Each caption's words with their parts of speech, as the data set has them."""

    def footage(self, real: Sequence[Stretch]) -> Sequence[Footage]:
        """The test split, whatever `real` shows of it."""
        return self.read("test")

    def read(self, split: str) -> list[InterXFootage]:
        """The clips of a split. Raises IntermambaError for any other data set."""
        found = []
        for clip in interx_clips(self.data, split):
            self.tokens |= {text.caption: text.tokens for text in clip.texts}
            captions = tuple(text.caption for text in clip.texts)
            found.append(InterXFootage(clip.features, captions, heading(clip.features[0, 0, :6])))
        return found

    def view(self, motion: Motion, real: Footage | None) -> View:
        """Its first 5 seconds, the first person at the origin, facing as in `real`, for Inter-X turns nobody to +Z."""
        motion = motion if motion.fps == FPS else resample(motion, FPS)
        goal = real.heading if isinstance(real, InterXFootage) else 0.0
        turn = yaw_quat(np.array(goal - facing(motion.joints[0, 0])))
        rotations = motion.rotations.copy()
        rotations[..., PELVIS, :] = quat_multiply(turn, rotations[..., PELVIS, :])
        root = quat_apply(turn, motion.root - motion.root[0, 0])
        frames = min(motion.frames, LONGEST) // UNIT * UNIT
        values = interx_features(rotations[:, :frames], root[:, :frames])
        return View(InterXFootage(values, (motion.prompt,), goal), 0, frames)

    def embed_motions(self, views: Sequence[View]) -> Tensor:
        """Embeddings (B,E)."""
        return self.model.encode_motion(*(x.to(self.device) for x in padded(views)))

    def embed_texts(self, captions: Sequence[str]) -> Tensor:
        """Embeddings (B,E). Raises IntermambaError for a caption that the data set does not have."""
        unknown = [caption for caption in captions if caption not in self.tokens]
        if unknown:
            raise IntermambaError(
                f"Inter-X's evaluator reads Inter-X's captions alone, and not {unknown[0]!r}."
            )
        return self.model.encode_text(
            *(x.to(self.device) for x in sentences(self.words, [self.tokens[c] for c in captions]))
        )


def heading(six: NDArray[np.floating]) -> float:
    """Where (radians, 0 is +Z) a root faces, by the first two rows (6,) of its matrix."""
    x, y = six[:3], six[3:]
    return float(np.arctan2(x[2], np.cross(x, y)[2]))


def padded(views: Sequence[View]) -> tuple[Tensor, Tensor]:
    """Features (B,150,672), zero beyond the views, and the views' frames (B,)."""
    features = torch.zeros(len(views), LONGEST, 672)
    for row, view in zip(features, views, strict=True):
        assert isinstance(view.footage, InterXFootage)
        row[: view.frames] = torch.from_numpy(view.footage.features(view.start, view.frames))
    return features, torch.tensor([view.frames for view in views])


def sentences(words: Words, captions: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor, Tensor]:
    """Word vectors (B,S,300), classes (B,S,15) and lengths (B,) of captions `word/POS`."""
    rows = [words(tokens) for tokens in captions]
    lengths = torch.tensor([len(vectors) for vectors, _ in rows])
    sides = ([torch.from_numpy(row[side]) for row in rows] for side in range(2))
    vectors, classes = (nn.utils.rnn.pad_sequence(side, batch_first=True) for side in sides)
    return vectors, classes, lengths
