"""The sizes of an InterMamba network."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from ..errors import BundleError


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything that decides the shapes of the weights. `ModelConfig()` has the bundled size, see `mini`."""

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
    delta: Literal["low_rank", "eq6"] = "low_rank"
    # Not in the paper; what each is for is said where it is used.
    person_embedding: bool = False
    two_way: bool = False
    inter_residual: bool = False
    direct_text: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(field.default) is int and (type(value) is not int or value < 1):
                raise BundleError(
                    f"The model's {field.name} must be a whole number of at least 1, not {value!r}."
                )
        if self.width % 2 or self.condition_width % self.text_heads:
            raise BundleError(
                "The model's width must be even, and its condition_width a multiple of text_heads."
            )
        if self.delta not in ("low_rank", "eq6"):
            raise BundleError(f"The model's delta must be 'low_rank' or 'eq6', not {self.delta!r}.")

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
    """Give the bundled model: 8.2 M parameters, quick on two CPU cores, with all that its small size needs."""
    return ModelConfig(person_embedding=True, two_way=True, inter_residual=True, direct_text=True)
