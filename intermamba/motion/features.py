"""InterHuman's 262 features of one person and frame, both ways (InterGen, Liang et al. 2023).

66 positions (m), 66 velocities (m per frame), 21 local rotations in 6D, 4 foot contacts.
"""

from dataclasses import dataclass

import numpy as np

from .rotations import rotation_from_6d, rotation_to_6d
from .skeleton import FEET, JOINTS

POSITIONS = slice(0, 66)
VELOCITIES = slice(66, 132)
ROTATIONS = slice(132, 258)
CONTACTS = slice(258, 262)
FEATURES = 262

# A foot joint is in contact below this height (m, in the order of FEET) and this squared step (m^2/frame^2).
# They are InterHuman's own; the second is loose: 0.95 m/s.
CONTACT_HEIGHTS = (0.12, 0.05, 0.12, 0.05)
CONTACT_SPEED_SQUARED = 0.001


@dataclass(frozen=True)
class Decoded:
    """What features (..., 262) say: some of it twice, and not always in agreement."""

    joints: np.ndarray  # (..., 22, 3) m
    velocities: np.ndarray  # (..., 22, 3) m per frame
    rotations: np.ndarray  # (..., 21, 4) local, of joints 1 to 21
    contacts: np.ndarray  # (..., 4) in 0..1, left ankle, left toe, right ankle, right toe


def foot_contacts(joints: np.ndarray, speed_squared: float = CONTACT_SPEED_SQUARED) -> np.ndarray:
    """Contacts (..., T-1, 4) as 0 or 1 of joints (..., T, 22, 3): low, and slow until the next frame."""
    feet = joints[..., FEET, :]
    step = np.diff(feet, axis=-3)
    slow = np.einsum("...i,...i->...", step, step) < speed_squared
    low = feet[..., :-1, :, 1] < np.array(CONTACT_HEIGHTS)
    return (slow & low).astype(np.float32)


def encode(joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Features (..., T-1, 262) float32 of joints (..., T, 22, 3), rotations (..., T, 22, 4), at 30 fps."""
    shape = (*joints.shape[:-3], joints.shape[-3] - 1)
    parts = (
        joints[..., :-1, :, :].reshape(*shape, 66),
        np.diff(joints, axis=-3).reshape(*shape, 66),
        rotation_to_6d(rotations[..., :-1, 1:, :]).reshape(*shape, 126),
        foot_contacts(joints),
    )
    return np.concatenate(parts, axis=-1).astype(np.float32)


def decode(features: np.ndarray) -> Decoded:
    """Take features (..., 262) apart; a network's rotations are made orthonormal, its contacts clipped."""
    lead = features.shape[:-1]
    return Decoded(
        joints=features[..., POSITIONS].reshape(*lead, JOINTS, 3),
        velocities=features[..., VELOCITIES].reshape(*lead, JOINTS, 3),
        rotations=rotation_from_6d(features[..., ROTATIONS].reshape(*lead, JOINTS - 1, 6)),
        contacts=np.clip(features[..., CONTACTS], 0.0, 1.0),
    )
