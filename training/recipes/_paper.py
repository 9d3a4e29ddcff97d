"""What the paper's runs and their baseline have in common, and InterGen's settings where the paper says nothing.

From the paper (section V.A): AdamW, learning rate 1e-4, weight decay 2e-5, batches of 50, 2,000 epochs, the prompt
hidden in 10 % of the draws, CLIP ViT-L/14. From InterGen, which it builds on: warm-up over 10 epochs and half a cosine
from epoch to epoch, gradients clipped to 0.5, every clip mirrored as well, no moving average, loss weights.
"""

from typing import Literal

from intermamba.model.config import ModelConfig
from training.recipe import Recipe, Release
from training.sources import Source

INTERHUMAN = Source(
    folder=".",
    title="InterHuman",
    url="https://github.com/tr3e/InterGen",
    licence="CC BY-NC-SA 4.0",
    content="7,779 two-person clips with 23,337 descriptions, captured",
    terms="Non-commercial use only; the data itself may not be passed on.",
    acknowledgement="InterHuman by Liang et al., InterGen (IJCV 2024), CC BY-NC-SA 4.0.",
)
INTERX = Source(
    folder=".",
    title="Inter-X",
    url="https://github.com/liangxuy/Inter-X",
    licence="Inter-X's own terms",
    content="11,388 two-person clips with 34,164 descriptions, captured",
    terms="Non-commercial research only; no training for commercial use; the data itself may not be passed on.",
    acknowledgement="Inter-X by Xu et al. (CVPR 2024).",
)


def interhuman(name: str, model: ModelConfig) -> Recipe:
    """Clips of up to 10 s, either person first."""
    return _paper(name, model, "interhuman", longest=300)


def interx(name: str, model: ModelConfig) -> Recipe:
    """Clips of up to 5 s; as in Inter-X's own loader neither mirrored nor exchanged."""
    return _paper(name, model, "interx", longest=150, mirror=False, swap=False, shortest=24)


def _paper(
    name: str,
    model: ModelConfig,
    dataset: Literal["interhuman", "interx"],
    *,
    longest: int,
    shortest: int = 15,
    mirror: bool = True,
    swap: bool = True,
) -> Recipe:
    return Recipe(
        name=name,
        model=model,
        text="clip",
        dataset=dataset,
        epochs=2000,
        pairs_per_batch=50,
        shortest=shortest,
        longest=longest,
        mirror=mirror,
        swap=swap,
        learning_rate=1e-4,
        weight_decay=2e-5,
        schedule="cosine",
        warmup=10,
        clip_norm=0.5,
        ema_decay=0.0,
        save_every=5,
    )


def release(size: str, source: Source) -> Release:
    """What a bundle of such a run says about itself."""
    return Release(
        description=f"The paper's {size} model, trained on {source.title}.",
        licence=f"Non-commercial use only, as {source.title}'s licence asks ({source.licence}).",
        training_data=f"{source.title}'s training split. The motion data itself is not part of this model.",
        sources=(source,),
    )
