"""The sizes of a network, and the choices that the paper compares."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self, get_args, get_type_hints

from ..errors import BundleError


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything that decides what a network computes. `ModelConfig()` has the bundled size, see `mini`.

    Every field is read by the denoiser "intermamba". A "transformer" takes no notice of `state`, `conv` and those of
    Tables IV and V; its inner width E is that of its feed-forward layers.
    """

    width: int = 256  # D, of the residual stream
    blocks: int = 2  # Self-ASTM, LIIA, Cross-ASTM
    state: int = 16  # N, of every state space model
    expand: int = 2  # E = expand * D
    conv: int = 4  # taps of the causal depthwise convolutions
    patch: int = 4  # frames of one person in a token
    max_frames: int = 300
    features: int = 262  # F, of one person in one frame
    text_width: int = 384  # of the frozen text encoder's tokens
    condition_width: int = 384  # C, of the trainable text transformer and its pooled vector
    text_layers: int = 2
    text_heads: int = 8
    text_ff: int = 1024
    text_dropout: float = 0.1
    shared_people: bool = True  # one set of weights for both people, or one each
    denoiser: Literal["intermamba", "transformer"] = "intermamba"  # see model.transformer
    attention_heads: int = 8  # of the transformer
    attention_dropout: float = 0.1
    pool: Literal["mean", "end_of_text"] = "mean"  # how the text tokens become one vector
    delta: Literal["low_rank", "eq6"] = "low_rank"  # the step sizes: Mamba's own projection, or equation 6
    # Table IV.
    branches: Literal["both", "temporal", "spatial"] = "both"  # of every ASTM
    fusion: Literal["adaptive", "sum", "linear", "gate", "plus"] = "adaptive"  # of both, see model.astm.ASTM
    # Table V. What guides Cross-ASTM: LIIA's h_inter; without LIIA, the other person's state after Self-ASTM; with
    # "none" there is no Cross-ASTM and nobody hears of the other. The parameters in the paper's table (180, 117 and
    # 117 M) do not follow from its text: without LIIA this is 23 M less than with it.
    guide: Literal["liia", "other", "none"] = "liia"
    # Not in the paper; what each is for is said where it is used.
    person_embedding: bool = False
    two_way: bool = False
    inter_residual: bool = False
    direct_text: bool = False
    prior: int = 0  # inner width of model.prior; 0 is without it
    ways: int = 0  # that one prompt may be met in, see model.ways; 0 does not tell them apart

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name in ("prior", "ways") else 1
            if type(field.default) is int and (type(value) is not int or value < least):
                raise BundleError(
                    f"The model's {field.name} must be a whole number of at least {least}, not {value!r}."
                )
            if type(field.default) is bool and type(value) is not bool:
                raise BundleError(f"The model's {field.name} must be true or false, not {value!r}.")
        self._check_choices()
        if self.width % 2 or self.condition_width % self.text_heads:
            raise BundleError(
                "The model's width must be even, and its condition_width a multiple of text_heads."
            )
        if self.branches != "both" and self.fusion != "adaptive":
            raise BundleError(
                f"A model of the {self.branches} branch alone has no fusion: leave it at 'adaptive'."
            )
        if self.denoiser == "transformer" and (not self.shared_people or self.width % self.attention_heads):
            raise BundleError(
                "A transformer shares the people's weights, and its width must be a multiple of attention_heads."
            )

    def _check_choices(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            choices, value = get_args(kind), getattr(self, name)
            if choices and value not in choices:
                raise BundleError(
                    f"The model's {name} must be {' or '.join(map(repr, choices))}, not {value!r}."
                )

    @property
    def inner(self) -> int:
        """E, the width inside an ASTM."""
        return self.expand * self.width

    @property
    def max_tokens(self) -> int:
        """The most tokens a clip can have, which is the channel count of the spatial branches."""
        return math.ceil(self.max_frames / self.patch)

    def to_json(self) -> dict[str, Any]:
        """Give a dict that `json` can write."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read what `to_json` gave. Raises BundleError for unknown or impossible sizes."""
        unknown = sorted(data.keys() - {field.name for field in fields(cls)})
        if unknown:
            raise BundleError(
                f"This model needs a newer intermamba: it has unknown settings {', '.join(unknown)}."
            )
        return cls(**data)


def mini() -> ModelConfig:
    """Give the bundled model: 9.0 M parameters, quick on two CPU cores, with all that its small size needs."""
    own = {
        "person_embedding": True,
        "two_way": True,
        "inter_residual": True,
        "direct_text": True,
        "prior": 384,
        "ways": 12,
    }
    return ModelConfig(text_layers=1, text_dropout=0.3, **own)


def full() -> ModelConfig:
    """Give the paper's model: 118 M parameters and 33.2 G multiply-accumulates, 117 and 33.53 in Table III.

    The paper names neither width nor what is shared; these reproduce both of its columns (training.complexity).
    """
    return ModelConfig(width=1024, shared_people=False, **_PAPER)


def light() -> ModelConfig:
    """Give the paper's UltraLight model: one block, 66.5 M parameters and 13.9 G, 66 and 14.05 in Table III."""
    return replace(full(), blocks=1)


def transformer() -> ModelConfig:
    """Give the baseline, a denoiser of InterGen's shape: 171.35 M parameters beside the text transformer."""
    return ModelConfig(denoiser="transformer", width=1024, blocks=8, **_PAPER)


_PAPER: dict[str, Any] = {
    "patch": 1,
    "text_width": 768,  # CLIP ViT-L/14
    "condition_width": 768,
    "text_ff": 2048,
    "pool": "end_of_text",
}
"""What full, light and the baseline have in common: InterGen's tokens of one frame and its text transformer."""
