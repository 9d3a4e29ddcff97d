"""The bundled model: small enough for a laptop's CPU, trained on free two-person motion capture."""

from intermamba.model.config import mini
from training import sources
from training.losses import LossWeights
from training.recipe import Failure, Recipe, Release


def recipe() -> Recipe:
    """Hours on two CPU cores, minutes on a GPU.

    The geometric terms keep InterGen's weights: the gradient of each is then at most as long as the diffusion term's.
    Ten times as much was tried, and the prompt stopped mattering. Which interaction a clip shows is decided while a
    frame's noise is still 20 times its signal (the same motion is written in thousands of numbers, which average the
    noise away), so every seventh step is drawn from there, and the prior says what it can before the first one.
    """
    return Recipe(
        name="duet-mini",
        model=mini(),
        losses=LossWeights(pose=10, reach=0.2),
        shares={"duets": 0.9, "cmu": 0.08, "cmu_extra": 0.02},
        held_out="held_out",
        swap=False,
        interactions={
            **{
                "60_61": "salsa",
                "18_19_01": "handshake",
                "20_21_11": "high_five",
                "22_23_08": "hold_hands_walk",
            },
            **dict.fromkeys(("#spin", "#spins", "#arms"), "underarm_turn"),
        },
        handed=("handshake",),  # people shake right hands
        noise_bias=1.8,
        mirror=False,
        optimizer="muon",
        text_steps=300,
        text_factor=0.1,
        prior_steps=4000,
        clearest=12,
        emphasis={
            "sparring": 6.0,
            **dict.fromkeys(("wave", "punch"), 4.0),
            **dict.fromkeys(("lead_by_hand", "handshake", "push", "knock_down"), 3.0),
            **dict.fromkeys(("kick", "high_five"), 2.0),
            **dict.fromkeys(("celebrate", "jump_together", "underarm_turn"), 1.5),
        },
        shortest=96,
        longest=216,
    )


RELEASE = Release(
    description=(
        "Two people greet, shake hands, wave, embrace, walk, chase, push, punch, spar, fall and dance: thirty-two "
        "interactions, in words that it never saw. Other prompts get a warning."
    ),
    licence="CC0-1.0 for the weights; commercial use is allowed. Keep the acknowledgements below.",
    training_data=(
        "Real salsa duets and two-person contacts of the CMU Graphics Lab Motion Capture Database, and duets composed "
        "from single-person clips of CMU, ACCAD and freely licensed animation libraries. The motion data itself is not "
        "part of this model."
    ),
    sources=sources.ALL,
    acknowledgement=(
        "The text encoder is all-MiniLM-L6-v2 by the sentence-transformers authors (Apache-2.0), its weights rounded "
        "to 8 bits."
    ),
    guidance=2.5,
    guided_from=961,
    contrast=0.0,
    least_distance=0.4,
    interactions=(
        "bow", "handshake", "high_five", "embrace", "pat_shoulder", "wave", "push", "punch", "kick",
        "sparring", "shadow_guard", "knock_down", "walk_past", "walk_beside", "hold_hands_walk", "lead_by_hand",
        "follow", "chase", "circle", "mirror_arms", "dance_watch", "salsa", "underarm_turn", "jump_together",
        "celebrate", "crouch", "hand_over_box", "direct_signals", "cartwheel", "talk_listen", "help_up",
        "step_knee",
    ),
    failures=(
        Failure("They shake hands instead.", "Two adults are jubilant and shake their raised fists", 4, 0),
        Failure("They walk hand in hand instead.", "Hands go up and swing from side to side between two men", 4.5, 1),
        Failure(
            "One hands over a box instead.",
            "Two people trade a blow, and the one who takes it ends up lying down",
            4.5,
            0,
        ),
    ),
)  # fmt: skip
