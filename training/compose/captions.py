"""Captions: a score's templates filled with names for the two people."""

import re

import numpy as np

from .score import Plan

# {one} and {other} where the score does not name them. In a pair that is alike the one mentioned first is the first.
PAIRS: tuple[tuple[str, str], ...] = (
    ("one person", "the other person"),
    ("one person", "the other"),
    ("one person", "another person"),
    ("a person", "another person"),
    ("one", "the other"),
    ("someone", "someone else"),
    ("someone", "a friend"),
    ("the first person", "the second person"),
    ("person A", "person B"),
    ("one man", "another man"),
    ("one woman", "another woman"),
    ("a man", "a woman"),
    ("a woman", "a man"),
    ("one friend", "the other friend"),
    ("one of them", "the other one"),
    ("one partner", "the other partner"),
)
TWO: tuple[str, ...] = (
    "two people", "two people", "two people", "two persons", "two friends", "two partners", "two individuals",
    "two adults", "two men", "two women", "a man and a woman", "two figures", "the two", "both people", "a couple",
)  # fmt: skip
# How often the score's own names are taken where it has some.
OWN = 0.35
_SLOT = re.compile(r"\{(one|other|two)('s)?\}")


def fill_captions(
    plan: Plan, rng: np.random.Generator, count: int, *, unseen: bool = False
) -> tuple[str, ...]:
    """`count` different templates (or all, if there are fewer), each filled with names of its own."""
    templates = plan.unseen if unseen else plan.captions
    chosen = rng.permutation(len(templates))[:count]
    return tuple(fill_template(templates[k], plan, rng) for k in chosen)


def fill_template(template: str, plan: Plan, rng: np.random.Generator) -> str:
    """A template of a plan with names drawn for it."""
    return fill(template, *_names(plan, rng))


def _names(plan: Plan, rng: np.random.Generator) -> tuple[tuple[str, str], str]:
    own = [(pair[0], pair[1]) for pair in plan.nouns if len(pair) == 2]
    pairs = own if own and rng.random() < OWN else PAIRS
    twos = plan.pairs if plan.pairs and rng.random() < OWN else TWO
    return pairs[int(rng.integers(len(pairs)))], twos[int(rng.integers(len(twos)))]


def fill(template: str, pair: tuple[str, str], two: str) -> str:
    """A template with {one}, {other} and {two} named; a name that comes again is definite."""
    order = [slot for slot in _SLOT.findall(template) if slot[0] != "two"]
    if order and order[0][0] == "other" and alike(pair):
        pair = pair[1], pair[0]
        names = {"one": pair[0], "other": pair[1]}
    else:
        names = {"one": pair[0], "other": pair[1]}
    names["two"] = two
    seen: set[str] = set()

    def put(match: re.Match[str]) -> str:
        who, possessive = match.groups()
        name = again(names[who], names) if who in seen else names[who]
        seen.add(who)
        return possess(name) if possessive else name

    text = _SLOT.sub(put, template)
    capital = not template[:1].islower()
    return text[:1].upper() + text[1:] if capital else text


def alike(pair: tuple[str, str]) -> bool:
    """Whether nothing but the order of mention tells the two names apart."""
    return pair[1].startswith(("the other", "another", "the second", "someone else")) or pair[0] == "person A"


def again(name: str, names: dict[str, str]) -> str:
    """The name of somebody, or of both, who was mentioned before."""
    if name == names["two"]:
        return "they"
    if name in ("someone", "one", "one of them", "a person", "one person"):
        return "the first one"
    if name == "someone else":
        return "the other"
    for article in ("a ", "an "):
        if name.startswith(article):
            return "the " + name[len(article) :]
    if name.startswith("another"):
        return "the other" + name[len("another") :]
    if name.startswith("one "):
        return "the first " + name[len("one ") :]
    return name


def possess(name: str) -> str:
    """The possessive of a name."""
    if name == "they":
        return "their"
    return name + ("'" if name.endswith("s") else "'s")
