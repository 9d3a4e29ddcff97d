"""Feet and their floor: a level one under a whole clip, and feet that stand still where they stand."""

import numpy as np

from intermamba.motion.filters import gaussian_smooth, smoothstep
from intermamba.motion.ik import two_bone_ik
from intermamba.motion.kinematics import fit_rotations, global_rotations
from intermamba.motion.placement import TOE_HEIGHT, floor_height
from intermamba.motion.reconstruct import fit_paths
from intermamba.motion.rotations import (
    normalise,
    quat_apply,
    quat_between,
    rotation_from_6d,
    rotation_to_6d,
)
from intermamba.motion.skeleton import CHILDREN, HINGE_AXES, L_FOOT, LEGS, PELVIS, R_FOOT

from .body import FPS, Body

_TOES = (L_FOOT, R_FOOT)
# A toe joint stands below the first and not above the second of these: speed (m/s), height (m) over where it stands.
STANDING_SPEED, STANDING_HEIGHT = (0.35, 0.7), (0.015, 0.04)
# A toe joint that swings at the second speed (m/s) or faster is at least this much (m) higher than one that stands.
SWING_SPEED, CLEARANCE = (0.6, 1.5), 0.025
_RISE_SHARE = 2.0  # a foot that rises or sinks does not stand, so that speed counts more
# Weights of the paths' fit, where a position has 1: a moving foot's velocity and a standing foot's of zero.
_VELOCITY_WEIGHT, _STAND_WEIGHT = 8.0, 1000.0
_TWIST_SMOOTHING = 2.0  # Gaussian sigma in frames of the rotations, where they only say how bones twist
# Who sits or lies has the pelvis below this (m) and no feet to tell the floor by.
_LEAST_PELVIS = 0.45
# The floor is found from feet at most so high (m) above the lowest of the clip, then in rounds from those that are at
# most so high above the floor of the round before. It is off level by at most this slope, and rather less: the prior
# (m^2) is the spread of steps on the floor that says as much as the belief that it is level.
_HIGHEST_STEP, _ROUNDS, _STEEPEST, _LEVEL_PRIOR = 0.15, (0.12, 0.05, 0.03), 0.04, 0.02
# Under few steps an error of the floor is put right up to this (m): a sitter's feet may hang.
_FLOOR_ERROR = 0.08
# Share of a leg's length that is given out softly, and how far (m) its hinge stands the knee out when it is straight.
SOFT_REACH, HINGE_SHARE = 0.004, 0.01


def level_floor(joints: np.ndarray) -> np.ndarray:
    """Turn and shift joints (T, 22, 3) so that the feet stand at one height wherever the person goes.

    A capture's floor is often off level by a degree: over a few metres of walk that is a foot's thickness.
    """
    toes = joints[:, _TOES, :]
    standing = _speed(toes) < STANDING_SPEED[0]
    standing &= toes[..., 1] < floor_height(joints) + _HIGHEST_STEP
    standing &= (joints[:, PELVIS, 1] > _LEAST_PELVIS)[:, None]
    steps = toes[standing]
    if len(steps) < FPS / 3:
        error = floor_height(joints)
        return joints - [0.0, error if abs(error) < _FLOOR_ERROR else 0.0, 0.0]
    centre = steps.mean(axis=0)
    slope, height = np.zeros(2), centre[1]
    for highest in _ROUNDS:
        above = steps[:, 1] - height - (steps - centre)[:, (0, 2)] @ slope
        near = steps[above < highest]
        across = near[:, (0, 2)] - near[:, (0, 2)].mean(axis=0)
        normal = across.T @ across / len(near) + _LEVEL_PRIOR * np.eye(2)
        slope = np.linalg.solve(normal, across.T @ (near[:, 1] - near[:, 1].mean()) / len(near))
        slope = np.clip(slope, -_STEEPEST, _STEEPEST)
        height = near[:, 1].mean() - (near.mean(axis=0) - centre)[[0, 2]] @ slope
    pivot = np.array([centre[0], height, centre[2]])
    level = quat_between(np.array([-slope[0], 1.0, -slope[1]]), np.array([0.0, 1.0, 0.0]))
    return quat_apply(level, joints - pivot) + np.array([pivot[0], TOE_HEIGHT, pivot[2]])


def _speed(toes: np.ndarray) -> np.ndarray:
    velocity = gaussian_smooth(np.gradient(toes, axis=0) * FPS, 1.0, axis=0)
    return np.linalg.norm(velocity * [1.0, _RISE_SHARE, 1.0], axis=-1)


def stand_feet(body: Body, rest: np.ndarray) -> Body:
    """The body with each foot still, and on the floor, for as long as it stands; between steps it moves as it did."""
    joints = body.joints(rest)
    paths = _stepping(joints)
    spins = global_rotations(body.rotations)
    feet = [joints[:, toe] - joints[:, ankle] for (*_, ankle), toe in zip(LEGS, _TOES, strict=True)]
    place_feet(joints, joints.copy(), spins, rest, [paths[:, 0], paths[:, 1]], feet)
    return Body(body.root, fit_rotations(joints, rest, _calm_twist(body.rotations)))


def _calm_twist(rotations: np.ndarray) -> np.ndarray:
    """Local rotations (T, 22, 4), smoothed: bones keep their directions, and a straight limb no longer spins."""
    return rotation_from_6d(gaussian_smooth(rotation_to_6d(rotations), _TWIST_SMOOTHING, axis=0))


def _stepping(joints: np.ndarray) -> np.ndarray:
    """Paths of the toe joints (T, 2, 3): still while they stand, clear of the floor while they swing."""
    toes = joints[:, _TOES, :]
    speed, above = _speed(toes), toes[..., 1] - TOE_HEIGHT
    standing = smoothstep(speed, STANDING_SPEED[1], STANDING_SPEED[0])
    standing *= smoothstep(above, STANDING_HEIGHT[1], STANDING_HEIGHT[0])
    standing *= (joints[:, PELVIS, 1] > _LEAST_PELVIS)[:, None]
    swinging = np.maximum(CLEARANCE * smoothstep(speed, *SWING_SPEED) - above, 0.0)
    wanted = toes.copy()
    wanted[..., 1] += gaussian_smooth(np.where(above < 0, -above, -standing * above), 1.0, axis=0)
    wanted[..., 1] += gaussian_smooth(np.where(above < 0, 0.0, swinging), 1.0, axis=0)
    both = np.minimum(standing[1:], standing[:-1])
    velocity = np.diff(wanted, axis=0, append=wanted[-1:])
    velocity[:-1] *= 1.0 - both[..., None]
    paths = np.empty_like(wanted)
    for side in range(2):
        weights = _VELOCITY_WEIGHT + _STAND_WEIGHT * both[:, side] ** 2
        paths[:, [side]] = fit_paths(wanted[:, [side]], velocity[:, [side]], weights)
    return paths


def place_feet(
    joints: np.ndarray,
    bent: np.ndarray,
    spins: np.ndarray,
    rest: np.ndarray,
    toes: list[np.ndarray],
    feet: list[np.ndarray],
) -> None:
    """Move the legs of joints (T, 22, 3) so that the toes are at `toes`, each foot lying as its vector in `feet`.

    Knees stand out as in the joints `bent`; where a leg is straight, about the hinge that the global rotations
    `spins` give.
    """
    for (_, hip, knee, ankle), toe, foot in zip(LEGS, toes, feet, strict=True):
        bones = float(np.linalg.norm(rest[knee])), float(np.linalg.norm(rest[ankle]))
        chain = normalise(bent[:, ankle] - bent[:, hip])
        out = bent[:, knee] - bent[:, hip]
        out = out - chain * np.einsum("ti,ti->t", out, chain)[:, None]
        pole = out + HINGE_SHARE * np.cross(chain, quat_apply(spins[:, hip], HINGE_AXES[knee]))
        joints[:, knee], joints[:, ankle] = two_bone_ik(joints[:, hip], toe - foot, pole, bones, SOFT_REACH)
        (ball,) = CHILDREN[ankle]
        joints[:, ball] = joints[:, ankle] + foot
