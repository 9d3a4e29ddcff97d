"""The bundled model: small enough for a laptop's CPU, trained on free two-person motion capture."""

from intermamba.model.config import mini
from training.losses import LossWeights
from training.recipe import Recipe, Release
from training.sources import CMU, CMU_EXTRA


def recipe() -> Recipe:
    """A few hours on two CPU cores, minutes on a GPU.

    The geometric terms are in metres and their InterGen weights make them one per cent of the total; they are
    raised here until each weighs as much as the diffusion term late in training, because bone lengths, sliding
    feet and jitter are what an animator sees first.
    """
    return Recipe(
        name="duet-mini",
        model=mini(),
        losses=LossWeights(velocity=300, foot=300, bone=60, distance_map=3, orientation=0.05, pose=20),
        shares={"duets": 0.8, "cmu": 0.17, "cmu_extra": 0.03},
        held_out="held_out",
        swap=False,
        handed=("handshake",),  # people shake right hands
        common_captions={
            "60_61": (
                "Two people dance salsa.",
                "Two people dance salsa together.",
                "A couple dances salsa.",
                "Two dancers dance a salsa.",
                "One person leads another in a salsa dance.",
                "Two people are dancing.",
                "A pair dances together, holding hands.",
                "Salsa dance.",
            ),
        },
    )


RELEASE = Release(
    description="Two people dance salsa, whatever else the prompt says: another seed is another dance.",
    licence="CC0-1.0 for the weights; commercial use is allowed. Keep the acknowledgements below.",
    training_data=(
        "Twelve salsa duets of the CMU Graphics Lab Motion Capture Database (subjects 60 and 61, 3.3 minutes) and "
        "five short two-person trials of the same database (a handshake, a high five, a pull, a walk hand in hand, "
        "a stumble; 12 seconds), mirrored and with the people exchanged. CMU's terms allow use in products; the "
        "motion data itself may not be resold and is not part of this model."
    ),
    acknowledgement=(
        "The text encoder is all-MiniLM-L6-v2 by the sentence-transformers authors "
        "(Apache-2.0), its weights rounded to 8 bits."
    ),
    sources=(CMU, CMU_EXTRA),
    contrast=0.15,
    least_distance=0.4,
    interactions=("salsa",),
)
