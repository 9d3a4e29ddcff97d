"""The objective of equation 14: InterGen's terms, on masks that hold.

Shapes: B batch, P = 2 people, T frames, J = 22 joints, F = 262 features. Positions are metres, velocities
metres per frame.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from intermamba.motion.features import CONTACTS, POSITIONS
from intermamba.motion.skeleton import (
    FEET,
    L_HIP,
    L_SHOULDER,
    L_WRIST,
    PARENTS,
    R_HIP,
    R_SHOULDER,
    R_WRIST,
)

GEOMETRY = ("velocity", "foot", "bone", "distance_map", "orientation", "affinity")
TOUCH = 0.1  # metres between joints that affinity draws together
REACH = 0.4  # metres from a wrist to the other person's joints that it has to do with


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the terms of equation 14, of two more of InterGen's (`pose`, which it defines and leaves unused, and
    `affinity`, which draws joints together that touch in the data, at a weight of 3), and of `reach`.

    `reach` is our own: the way from a wrist to each joint of the other person that is near it in the data. Positions
    are normalised by how far people walk, and half a metre between two hands is little beside that.

    The defaults are InterGen's. `geometry_until` is the largest diffusion step at which the geometric terms
    count: beyond it a prediction is too vague for them to mean anything. `pose` and `reach` always count: they
    are squares of what is linear in the features, so a mean of several motions is their best answer too.
    """

    diffusion: float = 1.0
    velocity: float = 30.0
    foot: float = 30.0
    bone: float = 10.0
    distance_map: float = 3.0
    orientation: float = 0.01
    pose: float = 0.0
    reach: float = 0.0
    affinity: float = 0.0
    geometry_until: int = 700


def loss_terms(
    predicted_BPTF: Tensor,
    target_BPTF: Tensor,
    t_B: Tensor,
    mask_BT: Tensor,
    mean_F: Tensor,
    std_F: Tensor,
    geometry_until: int = 700,
    whole_t: Tensor | None = None,
) -> dict[str, Tensor]:
    """Unweighted terms by the names of LossWeights, from normalised features; `mask_BT` is true where frames count.

    `whole_t` are the steps of the whole batch where this is a part of it: a term is then the part's share of the mean
    over the whole batch, so that the terms of all parts, and their gradients, sum to those of the whole.
    """
    whole_t = t_B if whole_t is None else whole_t
    clear_B = t_B <= geometry_until
    counted = max(1, int((whole_t <= geometry_until).sum()))
    joints, real = (  # (B,P,T,J,3)
        (x[..., POSITIONS] * std_F[POSITIONS] + mean_F[POSITIONS]).unflatten(-1, (-1, 3))
        for x in (predicted_BPTF, target_BPTF)
    )
    contacts_BPTC = target_BPTF[..., CONTACTS] * std_F[CONTACTS] + mean_F[CONTACTS] > 0.5
    geometry: dict[str, Tensor] = {}
    if clear_B.any():
        geometry = _geometry(joints[clear_B], real[clear_B], contacts_BPTC[clear_B], mask_BT[clear_B])
    none = predicted_BPTF.new_zeros(())
    pose, real_pose = joints - joints[..., :1, :], real - real[..., :1, :]
    everywhere = {
        "diffusion": (predicted_BPTF - target_BPTF).square().mean((1, 3)),
        "pose": (pose - real_pose).square().mean((1, 3, 4)),
        "reach": _reach(joints, real),
    }
    return {name: _masked(error_BT, mask_BT) / len(whole_t) for name, error_BT in everywhere.items()} | {
        name: geometry.get(name, none) / counted for name in GEOMETRY
    }


def _geometry(joints: Tensor, real: Tensor, contacts_BPTC: Tensor, mask_BT: Tensor) -> dict[str, Tensor]:
    """The terms in metres of joints (B,P,T,J,3), summed over samples."""
    step_mask_BT = mask_BT[:, 1:] & mask_BT[:, :-1]

    velocity, real_velocity = joints.diff(dim=2), real.diff(dim=2)
    foot_speed2 = velocity[..., list(FEET), :].square().sum(-1) * contacts_BPTC[:, :, :-1]
    distances, real_distances = _distance_map(joints), _distance_map(real)
    near = (distances < 1) | (real_distances < 1)
    touching = real_distances < TOUCH
    turn, real_turn = _relative_turn(joints), _relative_turn(real)
    return {
        "velocity": _masked((velocity - real_velocity).square().mean((1, 3, 4)), step_mask_BT),
        "foot": _masked(foot_speed2.mean((1, 3)), step_mask_BT),
        "bone": _masked((_bones(joints) - _bones(real)).square().mean((1, 3)), mask_BT),
        "distance_map": _masked(((distances - real_distances).square() * near).mean((2, 3)), mask_BT),
        "orientation": _masked((turn - real_turn).square().sum(-1), mask_BT),
        "affinity": _masked((distances.square() * touching).mean((2, 3)), mask_BT),
    }


def total_loss(terms: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """Equation 14, and the terms beside it that have a weight."""
    weighted = [getattr(weights, name) * value for name, value in terms.items() if getattr(weights, name)]
    return torch.stack(weighted).sum()


def _masked(error_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Mean over the frames that count of each sample, summed over the samples."""
    return ((error_BT * mask_BT).sum(1) / mask_BT.sum(1).clamp(min=1)).sum()


def _bones(joints: Tensor) -> Tensor:
    parents = [int(p) for p in PARENTS[1:]]
    return (joints[..., 1:, :] - joints[..., parents, :]).norm(dim=-1)


def _distance_map(joints: Tensor) -> Tensor:
    """(B,2,T,J,3) -> (B,T,J,J): every joint of one person to every joint of the other."""
    first, second = joints[:, 0].flatten(0, 1), joints[:, 1].flatten(0, 1)
    return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist").view(
        *joints[:, 0].shape[:-1], -1
    )


def _reach(joints: Tensor, real: Tensor) -> Tensor:
    """(B,T): squared errors of the ways from each wrist to the other's joints, the nearer the more, summed."""
    error, way = _from_wrists(joints - real), _from_wrists(real)
    return (error.square().sum(-1) * (1 - way.norm(dim=-1) / REACH).clamp(min=0)).sum((1, 3, 4))


def _from_wrists(joints: Tensor) -> Tensor:
    """(B,2,T,J,3) -> (B,2,T,2,J,3): from each wrist to every joint of the other person."""
    return joints.flip(1)[..., None, :, :] - joints[..., [L_WRIST, R_WRIST], :][..., None, :]


def _relative_turn(joints: Tensor) -> Tensor:
    """(B,2,T,J,3) -> (B,T,2): cosine and sine of the yaw from the first person's facing to the second's.

    InterGen compares two components of a half-angle quaternion, which has two values for one turn; this has one.
    """
    across = (
        joints[..., L_HIP, :]
        - joints[..., R_HIP, :]
        + joints[..., L_SHOULDER, :]
        - joints[..., R_SHOULDER, :]
    )
    x, z = -across[..., 2], across[..., 0]  # across x up, on the floor
    length = (x.square() + z.square() + 1e-8).sqrt()
    x, z = x / length, z / length
    return torch.stack((x[:, 0] * x[:, 1] + z[:, 0] * z[:, 1], z[:, 0] * x[:, 1] - x[:, 0] * z[:, 1]), -1)
