"""A scene of puppets for every interaction, as an animator would block it out."""

from collections.abc import Callable

import numpy as np

from .puppets import SIDES, T, blend, ease, facing_pair, guard, hanging, pulse, puppet, reach

Scene = Callable[[], np.ndarray]
SCENES: dict[str, Scene] = {}


def scene(make: Scene) -> Scene:
    SCENES[make.__name__] = make
    return make


def standing() -> np.ndarray:
    return facing_pair(1.2, {}, {"x": 0.02 * np.sin(T)})


def both(distance: float, **what) -> np.ndarray:
    return facing_pair(distance, what, what)


def swing(rate: float = 1.5) -> np.ndarray:
    return np.sin(2 * np.pi * rate * T)


@scene
def bow():
    return both(1.6, bend=45 * pulse(1, 1.7, 2, 2.8))


@scene
def handshake():
    hand = reach("right", (-0.02, 1.05, 0.34), pulse(0.5, 1.2, 2.6, 3.2))
    hand[:, 1] += 0.03 * swing(2.5) * pulse(1.2, 1.4, 2.4, 2.6)
    return both(0.82, hands={"right": hand})


@scene
def high_five():
    return both(0.85, hands={"right": reach("right", (-0.04, 1.6, 0.36), pulse(1, 1.5, 1.6, 2.1))})


@scene
def embrace():
    share = pulse(0.8, 1.4, 2.6, 3.2)
    return both(0.42, hands={side: reach(side, (0.1 * s, 1.25, 0.55), share) for side, s in SIDES.items()})


@scene
def push():
    share = pulse(1, 1.3, 1.5, 2)
    shove = {side: reach(side, (0.12 * s, 1.3, 0.5), share) for side, s in SIDES.items()}
    return facing_pair(0.72, {"hands": shove}, {"z": -0.6 * ease(1.3, 2.1), "gait": 0.1})


@scene
def punch():
    head = -25 * pulse(1.25, 1.4, 1.5, 2.2)
    return facing_pair(
        0.75, {"hands": guard(right=pulse(1.05, 1.25, 1.3, 1.6))}, {"hands": guard(), "bend": head}
    )


@scene
def kick():
    foot = blend((-0.09, 0.085, 0), (-0.05, 0.95, 0.75), pulse(1, 1.3, 1.35, 1.8))
    back = {"hands": guard(), "z": -0.5 * ease(1.3, 2.1), "gait": 0.1}
    return facing_pair(1.05, {"hands": guard(), "feet": {"right": foot}}, back)


@scene
def sparring():
    one = guard(right=pulse(0.5, 0.7, 0.75, 1.1), left=pulse(2, 2.2, 2.25, 2.6))
    other = guard(left=pulse(1.2, 1.4, 1.45, 1.8), right=pulse(2.8, 3, 3.05, 3.4))
    return facing_pair(1.0, {"hands": one}, {"hands": other})


@scene
def shadow_guard():
    def step(late: float) -> np.ndarray:
        return 0.35 * (ease(0.5 + late, 1.1 + late) - ease(2 + late, 2.6 + late))

    return facing_pair(1.8, {"hands": guard(), "x": step(0)}, {"hands": guard(), "x": step(0.2)})


@scene
def walk_past():
    way = 1.1 * (T - 2)
    return np.stack([puppet(z=way, gait=0.25), puppet(x=0.8, z=-way, yaw=np.pi, gait=0.25)])


def _beside(gap: float, lag: float, **hands) -> np.ndarray:
    way = 1.1 * T
    return np.stack(
        [
            puppet(z=way, gait=0.25, hands=hands.get("one")),
            puppet(x=gap, z=way - lag, gait=0.25, hands=hands.get("other")),
        ]
    )


@scene
def walk_beside():
    return _beside(0.75, 0.1)


@scene
def hold_hands_walk():
    inner = {"left": np.tile((0.29, 0.95, 0.1), (len(T), 1))}
    return _beside(0.58, 0.0, one=inner, other={"right": inner["left"] * [-1, 1, 1]})


@scene
def lead_by_hand():
    one = {"left": np.tile((0.24, 0.95, -0.2), (len(T), 1))}
    other = {"right": np.tile((-0.2, 0.95, 0.3), (len(T), 1))}
    return _beside(0.42, 0.5, one=one, other=other)


@scene
def follow():
    return _beside(0.1, 1.4)


@scene
def chase():
    way = 3.0 * T
    return np.stack([puppet(z=way, gait=0.4), puppet(x=0.1, z=way - 1.8, gait=0.4)])


@scene
def circle():
    angle = 0.9 * T
    people = [puppet(x=np.sin(a), z=np.cos(a), yaw=a + np.pi / 2, gait=0.2) for a in (angle, angle + np.pi)]
    return np.stack(people)


@scene
def mirror_arms():
    def arms(flip: float) -> dict[str, np.ndarray]:
        wide = {
            side: reach(side, (0.6 * s, 1.4, 0.2), pulse(0.3 + k, 1 + k, 1.5 + k, 2.3 + k))
            for k, (side, s) in enumerate(SIDES.items())
        }
        return wide if flip > 0 else {"left": wide["right"] * [-1, 1, 1], "right": wide["left"] * [-1, 1, 1]}

    return facing_pair(1.7, {"hands": arms(1)}, {"hands": arms(-1)})


@scene
def dance_watch():
    hands = {side: reach(side, (0.5 * s, 1.3, 0.3), 0.5 + 0.5 * s * swing(0.8)) for side, s in SIDES.items()}
    return facing_pair(
        2.0, {"hands": hands, "gait": 0.15, "x": 0.2 * swing(0.5), "yaw": 0.4 * swing(0.4)}, {}
    )


@scene
def salsa():
    hands = {side: np.tile((0.22 * s, 1.1, 0.33), (len(T), 1)) for side, s in SIDES.items()}
    one = {"hands": hands, "gait": 0.18, "z": 0.12 * swing(0.5)}
    return facing_pair(0.85, one, {**one, "z": -0.12 * swing(0.5)})


@scene
def underarm_turn():
    up = pulse(0.6, 1.1, 2.6, 3.2)
    one = {"hands": {"left": reach("left", (0.05, 1.72, 0.3), up)}, "gait": 0.1}
    turn = 2 * np.pi * ease(1, 2.6)
    # The turner's hand stays over the head, whichever way the body faces.
    hand = np.stack([-0.1 * np.cos(turn), np.full_like(T, 1.75), 0.1 * np.sin(turn) + 0.1], axis=-1)
    return facing_pair(0.7, one, {"hands": {"right": hand}, "yaw": turn, "gait": 0.1})


@scene
def jump_together():
    leap = 0.3 * np.maximum(1 - ((T - 2) / 0.25) ** 2, 0)
    crouched = 0.2 * pulse(1.2, 1.5, 1.6, 1.75)
    person = puppet(sink=crouched)
    person[..., 1] += leap[:, None]
    other = person * [-1, 1, -1] + [0, 0, 1.5]
    return np.stack([person, other])


@scene
def celebrate():
    share = pulse(0.8, 1.2, 2.8, 3.2)
    hands = {
        side: reach(side, (0.25 * s, 1.85, 0.05), share * (0.92 + 0.08 * swing(2)))
        for side, s in SIDES.items()
    }
    return both(1.5, hands=hands)


@scene
def crouch():
    return facing_pair(
        1.3, {"sink": 0.45 * pulse(0.8, 1.4, 2.6, 3.2), "bend": 25 * pulse(0.8, 1.4, 2.6, 3.2)}, {}
    )


@scene
def hand_over_box():
    def carry(share: np.ndarray) -> dict[str, np.ndarray]:
        return {side: reach(side, (0.16 * s, 1.1, 0.38), share) for side, s in SIDES.items()}

    return facing_pair(0.9, {"hands": carry(1 - ease(2.2, 2.8))}, {"hands": carry(ease(1.2, 1.8))})


@scene
def direct_signals():
    hands = {
        "left": reach("left", (0.62, 1.42, 0.1), pulse(0.5, 1, 1.7, 2.2)),
        "right": reach("right", (-0.1, 1.45, 0.6), pulse(2, 2.5, 3.2, 3.7)),
    }
    return facing_pair(2.2, {"hands": hands}, {})


@scene
def cartwheel():
    person = puppet(hands={side: np.tile((0.2 * s, 1.9, 0.0), (len(T), 1)) for side, s in SIDES.items()})
    roll = 2 * np.pi * ease(1, 2.4)
    low = 0.25 * np.sin(roll / 2) ** 2
    spun = person - [0, 0.9, 0]
    x = np.cos(roll)[:, None] * spun[..., 0] - np.sin(roll)[:, None] * spun[..., 1]
    y = np.sin(roll)[:, None] * spun[..., 0] + np.cos(roll)[:, None] * spun[..., 1]
    one = np.stack([x - 1.6 * ease(1, 2.4)[:, None], y + 0.9 + low[:, None], spun[..., 2]], axis=-1)
    return np.stack([one, puppet(x=-0.8, z=2.5, yaw=np.pi)])


@scene
def pat_shoulder():
    hand = reach("right", (0.13, 1.47, 0.45), pulse(0.8, 1.3, 2.6, 3.2))
    hand[:, 1] += 0.03 * swing(2) * pulse(1.2, 1.4, 2.5, 2.7)
    return facing_pair(0.65, {"hands": {"right": hand}}, {})


@scene
def wave():
    hand = reach("right", (-0.3, 1.6, 0.15), pulse(0.6, 1.1, 3.1, 3.6))
    hand[:, 0] += 0.12 * swing(1.5) * pulse(0.9, 1.2, 3, 3.3)
    return facing_pair(2.2, {"hands": {"right": hand}}, {})


@scene
def talk_listen():
    hands = {
        side: reach(side, (0.2 * s, 1.1, 0.3), 0.6 + 0.3 * swing(0.7 + 0.1 * s)) for side, s in SIDES.items()
    }
    return facing_pair(1.2, {"hands": hands}, {})


@scene
def help_up():
    rise = ease(1.5, 2.8)
    pull = pulse(0.6, 1.2, 2.9, 3.5)
    one = {
        "hands": {"right": reach("right", (-0.05, 0.95, 0.42), pull)},
        "bend": 25 * pulse(0.6, 1.2, 1.8, 2.6),
    }
    up = reach("right", (-0.05, 0.95, 0.42), pull)
    up[:, 1] -= 0.1 * (1 - rise)
    return facing_pair(0.95, one, {"sink": 0.6 * (1 - rise), "hands": {"right": up}})


@scene
def knock_down():
    fall = ease(1.3, 2.3)
    down = {
        "sink": 0.85 * fall,
        "bend": -85 * fall,
        "z": -0.3 * fall,
        "hands": {s: np.tile(hanging(s), (len(T), 1)) for s in SIDES},
    }
    return facing_pair(0.78, {"hands": guard(right=pulse(1.05, 1.25, 1.3, 1.6))}, down)


@scene
def step_knee():
    share = ease(1, 1.8)

    def step(side: str) -> dict:
        knee = blend(
            (0.09 * SIDES[side], 0.085, 0), (0.12 * SIDES[side], 0.35, 0.15), pulse(1.0, 1.4, 1.8, 2.4)
        )
        return {"feet": {side: knee}}

    # One goes to the right (-x), the other, who faces one, to the left (-x as well).
    return facing_pair(1.4, {**step("left"), "x": -0.45 * share}, {**step("right"), "x": -0.45 * share})
