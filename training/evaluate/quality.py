"""What embeddings do not see and people do: sliding feet, bodies in each other, contacts that are missed, jitter."""

import re
from collections.abc import Sequence

import numpy as np

from intermamba.motion.metrics import come_within, hands_apart, summary

Figures = dict[str, list[float]]
"""Of each measure a value for every motion that has one; its unit is at the end of its name."""

CONTACT = "contact_reached"
"""Share of the motions whose captions speak of contact in which the bodies come together."""

# Gap (m) between the bodies' capsules, which end at the wrists and ankles. Composed handshakes, high fives, embraces,
# pushes, blows and hands that help come within 0.10; people who walk side by side stay 0.13 apart.
REACHED = 0.11

HANDS = "hands_apart_cm"
"""How near two hands come where captions speak of hands that meet."""

_OF_HANDS = r"""
    hand\ ?shak\w+ | shak\w+\ (right\ |left\ )?hands? | shakes?\ of\ (the\ )?hands?
    | (press|clasp|join|link)\w*\ hands?
    | hand\ in\ hand | by\ the\ hand | hold\w*\ (\w+\ )?hands? | high[-\ ]?fiv\w*
    | (each\ other|gives?\ \w+)\ (a\ )?five
"""
# All but "pulls off" and "hits the ground".
_OF_BODIES = r"""
    hug\w* | embrac\w+ | cuddl\w+ | squeez\w+ | kiss\w* | arms\ (wrapped\ )?(a)?round
    | push\w* | shov\w+ | punch\w* | kick\w* | slap\w* | hits?+(?!\ the\b) | pat(s|ted|ting)? | tap(s|ped|ping)?
    | touch\w* | grab\w* | grasp\w* | pull\w*+(?!\ off\b) | tugs? | drag\w* | wrestl\w+ | tackl\w+ | massag\w+
"""


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b({pattern})(?!\w)", re.IGNORECASE | re.VERBOSE)


_HANDS, _CONTACT = _words(_OF_HANDS), _words(f"{_OF_HANDS} | {_OF_BODIES}")


def speaks_of_contact(caption: str) -> bool:
    """Whether a caption is of two people who touch."""
    return bool(_CONTACT.search(caption))


def speaks_of_hands(caption: str) -> bool:
    """Whether a caption is of hands that meet."""
    return bool(_HANDS.search(caption))


def judge_motion(joints: np.ndarray, fps: float, captions: Sequence[str]) -> dict[str, float]:
    """The measures of a pair (2, T, 22, 3); those of contact and hands where any of the captions speaks of them."""
    figures = summary(joints, fps)
    if any(map(speaks_of_contact, captions)):
        figures[CONTACT] = float(come_within(joints, REACHED))
    if any(map(speaks_of_hands, captions)):
        figures[HANDS] = 100.0 * hands_apart(joints)
    return figures


def gather(rows: Sequence[dict[str, float]]) -> Figures:
    """The values of all motions by measure."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row[name] for row in rows if name in row] for name in names}


def table(made: Figures, real: Figures) -> str:
    """Markdown rows of mean and range, and of the generated mean over the real one."""
    lines = ["| measure | generated: mean (range) | real: mean (range) | ratio |", "|---|---|---|---|"]
    for name, values in made.items():
        others = real.get(name, [])
        nothing = not others or abs(np.mean(others)) < 1e-4
        ratio = "" if nothing else f"{np.mean(values) / np.mean(others):.2f}"
        lines.append(f"| {name} | {_cell(values)} | {_cell(others)} | {ratio} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3g} ({min(values):.3g} to {max(values):.3g})" if values else ""
