"""Scores: who does what, when, where, facing whom and touching what. README.md here describes the schema.

A score is read and checked as a whole; `draw` then settles its variant and its choices, and gives a plan for one duet.
"""

import copy
import itertools
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from intermamba.errors import IntermambaError
from intermamba.motion.body_points import BODY_POINTS
from intermamba.motion.find_touches import kind_of

SCORES = Path(__file__).with_name("scores")
OTHER_SIDE = {"left": "right", "right": "left"}
# Names beside those of BODY_POINTS: a point, and how far (m) left, up and forward of it.
SIDES_OF = {"left_chest": ("chest", (0.08, 0.0, 0.0)), "right_chest": ("chest", (-0.08, 0.0, 0.0))}
LEAST_CAPTIONS, LEAST_UNSEEN = 14, 6


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; a plain number in a score is both."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """A number between the two, evenly."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class Cue:
    """A phrase: an action and when, how and by which part of the body it is done."""

    action: tuple[str, ...]
    beat: str = ""
    delay: Range = Range(0.0, 0.0)
    until: str = ""
    side: str = ""
    speed: Range = Range(0.92, 1.08)
    trim: tuple[float, ...] = ()
    hold: Range = Range(0.0, 0.0)
    repeat: Range = Range(1, 1)
    chance: float = 1.0
    over: str = ""
    turn: str | float = 0.0
    clip: tuple[str, ...] = ()
    not_clip: tuple[str, ...] = ()


@dataclass(frozen=True)
class Person:
    """What one of the two does."""

    fill: tuple[str, ...] = ("stand",)
    approach: Range = Range(0.0, 0.0)
    approach_chance: float = 0.5
    face: str = ""
    mirror_of_first: bool = False
    copy_of_first: bool = False
    delay: Range = Range(0.1, 0.3)
    phrases: tuple[Cue, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where the second is and faces, as the first sees it, at a beat; metres and degrees."""

    beat: str
    distance: Range
    bearing: Range = Range(0.0, 0.0)
    heading: Range = Range(180.0, 180.0)

    @property
    def face_to_face(self) -> bool:
        """Whether each has the other ahead."""
        bearing = 0.5 * (self.bearing.low + self.bearing.high)
        heading = 0.5 * (self.heading.low + self.heading.high)
        return abs(bearing) < 40.0 and abs(heading - 180.0 - bearing) < 40.0


@dataclass(frozen=True)
class Gap:
    """Seconds from one beat to another."""

    start: str
    to: str
    seconds: Range


@dataclass(frozen=True)
class Oscillation:
    """A movement of touching points up and down (or off and on): metres and times a second."""

    height: Range
    rate: Range


@dataclass(frozen=True)
class Contact:
    """A point of one person on a point of the other's, for a time."""

    who: str
    point: str
    on: str
    beat: str
    start: float = 0.0
    to: float = 0.0
    until: str = ""
    ramp: tuple[float, ...] = (0.3, 0.35)
    share: Range | None = None
    gap: Range = Range(0.0, 0.0)
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    elbow: tuple[float, ...] = (0.0, 0.0, 0.0)
    shake: Oscillation | None = None
    pat: Oscillation | None = None
    chance: float = 1.0


@dataclass(frozen=True)
class Relation:
    """Where the second walks: one of the four, in metres."""

    beside: Range | None = None
    behind: Range | None = None
    toward_past: Range | None = None
    opposite: Range | None = None
    aside: Range = Range(0.0, 0.0)
    side: str = ""


@dataclass(frozen=True)
class Walk:
    """Both travel along one path."""

    second: Relation
    gait: tuple[str, ...] = ("walk",)
    second_gait: tuple[str, ...] = ()
    path: tuple[str, ...] = ("straight",)
    radius: Range = Range(2.5, 6.0)
    speed: Range = Range(0.92, 1.08)
    stop: float = 0.0
    start: float = 0.0


@dataclass(frozen=True)
class Core:
    """What a crop must hold for the captions to be true."""

    start: str = ""
    until: str = ""
    before: float = 0.5
    after: float = 0.8


@dataclass(frozen=True)
class Plan:
    """One duet's score: its variant drawn and its choices made, the numbers still ranges."""

    name: str
    seconds: Range
    captions: tuple[str, ...]
    unseen: tuple[str, ...]
    title: str = ""
    first: Person = field(default_factory=Person)
    second: Person = field(default_factory=Person)
    touch: bool = False
    place: Place | None = None
    walk: Walk | None = None
    gap: tuple[Gap, ...] = ()
    touches: tuple[Contact, ...] = ()
    core: Core = field(default_factory=Core)
    nouns: tuple[tuple[str, ...], ...] = ()
    pairs: tuple[str, ...] = ()
    real: bool = False

    def touch_kinds(self) -> set[str]:
        """The kinds of its contacts, as "hand on shoulder"."""
        return {kind_of(touch.point, SIDES_OF.get(touch.on, (touch.on,))[0]) for touch in self.touches}

    def beats(self) -> list[str]:
        """Names of the beats in the score's order, without start and end."""
        if self.walk is not None:
            return ["pass"] if self.walk.second.toward_past else []
        names = [name for gap in self.gap for name in (gap.start, gap.to)]
        names += [self.place.beat] if self.place else []
        names += [cue.beat for person in (self.first, self.second) for cue in person.phrases]
        return list(dict.fromkeys(name for name in names if name not in ("", "start", "end")))


@dataclass(frozen=True)
class Score:
    """A score's file, checked: every variant and choice of it reads well."""

    path: Path
    table: dict[str, Any]

    @property
    def name(self) -> str:
        """The interaction."""
        return self.table["name"]

    def draw(self, rng: np.random.Generator) -> Plan:
        """A plan for one duet."""
        tables = _variants(self.table)
        weights = np.array([float(table.get("weight", 1.0)) for table in tables])
        table = tables[int(rng.choice(len(tables), p=weights / weights.sum()))]
        chosen = {key: values[int(rng.integers(len(values)))] for key, values in _choices(table).items()}
        return _plan(table, chosen, str(self.path))

    def plans(self) -> Iterator[Plan]:
        """Every plan that can be drawn."""
        for table in _variants(self.table):
            choices = _choices(table)
            for values in itertools.product(*choices.values()):
                yield _plan(table, dict(zip(choices, values, strict=True)), str(self.path))

    def variant(self, plan: Plan) -> int:
        """The number of a plan's captions among those of the score; sets that share most of them count as one."""
        kinds: list[set[str]] = []
        for other in self.plans():
            captions = set(other.captions)
            number = next((n for n, kind in enumerate(kinds) if _mostly_same(kind, captions)), len(kinds))
            if other.captions == plan.captions:
                return number
            kinds += [captions] * (number == len(kinds))
        raise ValueError(f"{plan.name} is not a plan of {self.path}.")


def _mostly_same(one: set[str], other: set[str]) -> bool:
    return 2 * len(one & other) > min(len(one), len(other))


def load_scores(scores: Iterable[str | Path] = ()) -> list[Score]:
    """Scores by name or path; those of this folder when none is given. What is wrong in one is an IntermambaError."""
    paths = [_find(score) for score in scores] or sorted(SCORES.glob("*.toml"))
    if not paths:
        raise IntermambaError(f"{SCORES} holds no scores; give the path of one.")
    return [load_score(path) for path in paths]


def _find(score: str | Path) -> Path:
    path = Path(score)
    if path.suffix == ".toml":
        return path
    path = SCORES / f"{score}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in SCORES.glob("*.toml")))
        raise IntermambaError(f"There is no score {str(score)!r}; give a path, or one of {known or 'none'}.")
    return path


def load_score(path: str | Path) -> Score:
    """Read a score's file and check all of it. Raises IntermambaError that names the file and the place in it."""
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise IntermambaError(f"{path} does not exist: check the name of the score.") from error
    except (OSError, ValueError) as error:
        raise IntermambaError(f"{path} cannot be read as a score ({error}).") from error
    score = Score(path, _widened(table, path.parent / "phrasings" / path.name))
    for plan in score.plans():
        _check(plan, str(path))
    return score


def _widened(table: dict[str, Any], path: Path) -> dict[str, Any]:
    """A score's table with the captions of the file of phrasings beside it, if there is one.

    Its `captions` join the score's; its `variants` join, by what a variant `fits`, captions that replace those.
    """
    if not path.is_file():
        return table
    try:
        more = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntermambaError(f"{path} cannot be read as phrasings ({error}).") from error
    if stray := more.keys() - {"captions", "variants"}:
        raise IntermambaError(f"{path}: {min(stray)!r} is not a key here; the keys are captions, variants.")
    of_variants = more.get("variants", {})
    variants = [
        variant | {"captions": [*variant["captions"], *of_variants.get(variant.get("fits"), [])]}
        if "captions" in variant
        else variant
        for variant in table.get("variant", [{}])
    ]
    unknown = of_variants.keys() - {v.get("fits") for v in variants if "captions" in v}
    if unknown:
        raise IntermambaError(f"{path}: no variant with captions of its own fits {min(unknown)!r}.")
    return table | {"captions": [*table.get("captions", []), *more.get("captions", [])], "variant": variants}


def _variants(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The tables of all variants, each laid over the score."""
    base = {key: value for key, value in table.items() if key != "variant"}
    variants = table.get("variant", [{}])
    merged = [_lay_over(base, variant) for variant in variants]
    for one, variant in zip(merged, variants, strict=True):
        for key in ("captions", "unseen"):
            more = f"more_{key}"
            one.pop(more, None)
            one[key] = [*one.get(key, []), *base.get(more, []), *variant.get(more, [])]
        one.pop("fits", None)
    return merged


def _lay_over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    out = copy.deepcopy(base)
    for key, value in top.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _lay_over(out[key], value) if both else copy.deepcopy(value)
    return out


def _choices(table: dict[str, Any]) -> dict[str, list[str]]:
    return {key: list(map(str, values)) for key, values in table.get("choose", {}).items()}


def _plan(table: dict[str, Any], chosen: dict[str, str], where: str) -> Plan:
    names = {f"{{{key}}}": value for key, value in chosen.items()}
    names |= {f"{{other_{key}}}": OTHER_SIDE[v] for key, v in chosen.items() if v in OTHER_SIDE}
    plain = {key: value for key, value in table.items() if key not in ("choose", "weight")}
    return _read(Plan, _substitute(plain, names), where)


def _substitute(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(name, text)
        return value
    if isinstance(value, dict):
        return {key: _substitute(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, names) for item in value]
    return value


@cache
def _schema(kind: type) -> dict[str, tuple[Any, bool]]:
    """Type and necessity of each key of a table; `from`, which Python keeps to itself, is the field `start`."""
    hints = get_type_hints(kind)
    named = {"start": "from"} if kind in (Gap, Contact, Core) else {}
    return {
        named.get(f.name, f.name): (hints[f.name], f.default is MISSING and f.default_factory is MISSING)
        for f in fields(kind)
    }


def _read(kind: Any, table: Any, where: str) -> Any:
    if not isinstance(table, dict):
        raise IntermambaError(f"{where}: a table is needed here, not {table!r}.")
    schema = _schema(kind)
    for key in table:
        if key not in schema:
            raise IntermambaError(f"{where}: {key!r} is not a key here; the keys are {', '.join(schema)}.")
    for key, (_, needed) in schema.items():
        if needed and key not in table:
            raise IntermambaError(f"{where}: {key!r} is missing.")
    values = {
        ("start" if key == "from" else key): _value(schema[key][0], value, f"{where}: {key}")
        for key, value in table.items()
    }
    return kind(**values)


def _value(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) is tuple:
        items = value if isinstance(value, list) else [value]
        return tuple(_value(get_args(kind)[0], item, where) for item in items)
    options = get_args(kind) or (kind,)
    for option in options:
        if option is Range and _is_range(value):
            low, high = value if isinstance(value, list) else (value, value)
            return Range(float(low), float(high))
        if option in (bool, str) and isinstance(value, option):
            return value
        if option is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if hasattr(option, "__dataclass_fields__") and option is not Range and isinstance(value, dict):
            return _read(option, value, where)
    names = " or ".join(_plain(option) for option in options if option is not type(None))
    raise IntermambaError(f"{where}: {value!r} does not fit; {names} is needed.")


def _is_range(value: Any) -> bool:
    values = value if isinstance(value, list) else [value, value]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return numbers and len(values) == 2 and values[0] <= values[1]


def _plain(kind: Any) -> str:
    names = {Range: "a number or [low, high]", float: "a number", str: "text", bool: "true or false"}
    return names.get(kind, "a table")


def _tied(plan: Plan) -> set[str]:
    """The beats that gaps tie to the first one."""
    tied = set(plan.beats()[:1])
    for _ in plan.gap:
        tied |= {b for gap in plan.gap for b in (gap.start, gap.to) if {gap.start, gap.to} & tied}
    return tied - {"start", "end"}


def _check(plan: Plan, where: str) -> None:
    """Raise an IntermambaError where the parts of a plan do not fit each other."""
    for fine, problem in (*_walk_fits(plan), *_beats_fit(plan), *_people_fit(plan), *_touches_fit(plan)):
        if not fine:
            raise IntermambaError(f"{where}: {problem}")
    for what, count, least in (
        ("captions", len(plan.captions), LEAST_CAPTIONS),
        ("unseen phrasings", len(plan.unseen), LEAST_UNSEEN),
    ):
        if count < least:
            raise IntermambaError(f"{where}: {least} {what} are needed, not {count}.")


_Rules = Iterator[tuple[bool, str]]


def _beats_fit(plan: Plan) -> _Rules:
    tied = _tied(plan)
    yield len(tied) == len(plan.beats()), f"no gap ties {set(plan.beats()) - tied} to the other beats."
    named = [("core", plan.core.start), ("core", plan.core.until)]
    named += [(f"touch of {t.point}", beat) for t in plan.touches for beat in (t.beat, t.until)]
    for name, person in (("first", plan.first), ("second", plan.second)):
        named += [(f"{name}'s {c.action[0]}", beat) for c in person.phrases for beat in (c.beat, c.until)]
    for what, beat in named:
        known = beat in ("", "start", "end", *plan.beats())
        yield known, f"{what} is on the beat {beat!r}, which no gap or place names."


def _people_fit(plan: Plan) -> _Rules:
    parts = ("", "arms", "upper", "left_arm", "right_arm")
    for person in (plan.first, plan.second):
        yield person.face in ("", "partner", "none"), f"face is partner or none, not {person.face!r}."
        for cue in person.phrases:
            yield cue.over in parts, f"over = {cue.over!r} is no part; those are {', '.join(parts[1:])}."
            yield cue.side in ("", "left", "right"), f"side = {cue.side!r} is neither left nor right."
            yield (
                isinstance(cue.turn, float) or cue.turn == "partner",
                f"turn is partner or degrees, not {cue.turn!r}.",
            )
            yield len(cue.trim) in (0, 2), "trim is [before, after]."


def _touches_fit(plan: Plan) -> _Rules:
    known = (*BODY_POINTS, *SIDES_OF)
    for touch in plan.touches:
        yield touch.who in ("first", "second"), f"who = {touch.who!r} is neither first nor second."
        for point in (touch.point, touch.on):
            yield point in known, f"{point!r} is no point of a body; those are {', '.join(known)}."
        yield len(touch.offset) == 3, "offset is [left, up, forward]."
        yield len(touch.elbow) == 3, "elbow is [outward, up, forward]."
        yield len(touch.ramp) == 2, "ramp is [seconds in, seconds out]."


def _walk_fits(plan: Plan) -> _Rules:
    one = (plan.place is None) != (plan.walk is None)
    yield plan.real or one, "either [place] or [walk] is needed, and not both."
    if plan.walk is not None:
        relation = plan.walk.second
        four = (relation.beside, relation.behind, relation.toward_past, relation.opposite)
        one = sum(r is not None for r in four) == 1
        yield one, "walk.second is one of beside, behind, toward_past, opposite."
        yield set(plan.walk.path) <= {"straight", "arc", "circle"}, "path is straight, arc or circle."
