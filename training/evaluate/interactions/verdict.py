"""What a measure answers, and how it is put together from single figures."""

from dataclasses import dataclass
from typing import SupportsFloat


@dataclass(frozen=True)
class Verdict:
    """Whether something happened, how clearly (0 to 1; from 0.5 on it passed), and the figure that decided."""

    passed: bool
    score: float
    why: str


def at_least(value: SupportsFloat, bound: float, what: str) -> Verdict:
    """Passed from `bound` (above 0) on, clear at twice the bound. `what` has a place {} for the figure."""
    figure = float(value)
    why = f"{what.format(f'{figure:.2f}')}, at least {bound:g}."
    return _verdict(figure >= bound, figure / (2.0 * bound), why)


def at_most(value: SupportsFloat, bound: float, what: str) -> Verdict:
    """Passed up to `bound` (above 0), clear at nothing. `what` has a place {} for the figure."""
    figure = float(value)
    why = f"{what.format(f'{figure:.2f}')}, at most {bound:g}."
    return _verdict(figure <= bound, 1.0 - figure / (2.0 * bound), why)


def all_of(*verdicts: Verdict) -> Verdict:
    """As weak as the weakest; it tells the first that failed, or else the weakest."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    weakest = min(verdicts, key=lambda verdict: verdict.score)
    return Verdict(not failed, weakest.score, (failed or [weakest])[0].why)


def any_of(*verdicts: Verdict) -> Verdict:
    """As clear as the clearest."""
    return max(verdicts, key=lambda verdict: (verdict.passed, verdict.score))


def _verdict(passed: bool, score: float, why: str) -> Verdict:
    """The score kept on the side of 0.5 where `passed` has it."""
    return Verdict(passed, min(max(score, 0.5), 1.0) if passed else min(max(score, 0.0), 0.499), why)
