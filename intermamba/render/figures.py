"""Two people as shaded capsule figures on a floor."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..motion.skeleton import (
    HEAD,
    L_ANKLE,
    L_ELBOW,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    L_WRIST,
    NECK,
    R_ANKLE,
    R_ELBOW,
    R_FOOT,
    R_HIP,
    R_KNEE,
    R_SHOULDER,
    R_WRIST,
    SPINE1,
    SPINE3,
)
from .camera import Camera
from .capsules import CapsuleCanvas
from .floor import SUPERSAMPLING, draw_floor, draw_shadow

CLOTHES = ((222, 98, 68), (44, 124, 150))  # of the two people: warm, cool
SKIN = ((246, 190, 152), (150, 205, 214))
GHOST = 0.30  # opacity of the clearest ghost

# Points beside the 22 joints, see body_points.
L_HAND, R_HAND, L_HEEL, R_HEEL, L_TIP, R_TIP, FACE, CROWN, BROW, NOSE = range(22, 32)

# (from, to, radius, radius, is skin): the flesh on an adult's bones, metres.
LIMBS = (
    (SPINE1, L_HIP, 0.112, 0.090, False),
    (SPINE1, R_HIP, 0.112, 0.090, False),
    (L_HIP, R_HIP, 0.090, 0.090, False),
    (SPINE1, SPINE3, 0.112, 0.120, False),
    (SPINE3, NECK, 0.120, 0.062, False),
    (SPINE3, L_SHOULDER, 0.112, 0.058, False),
    (SPINE3, R_SHOULDER, 0.112, 0.058, False),
    (NECK, HEAD, 0.052, 0.048, True),
    (FACE, CROWN, 0.080, 0.094, True),
    (BROW, NOSE, 0.012, 0.018, True),
    (L_SHOULDER, L_ELBOW, 0.054, 0.042, False),
    (R_SHOULDER, R_ELBOW, 0.054, 0.042, False),
    (L_ELBOW, L_WRIST, 0.042, 0.030, False),
    (R_ELBOW, R_WRIST, 0.042, 0.030, False),
    (L_WRIST, L_HAND, 0.036, 0.024, True),
    (R_WRIST, R_HAND, 0.036, 0.024, True),
    (L_HIP, L_KNEE, 0.086, 0.057, False),
    (R_HIP, R_KNEE, 0.086, 0.057, False),
    (L_KNEE, L_ANKLE, 0.056, 0.038, False),
    (R_KNEE, R_ANKLE, 0.056, 0.038, False),
    (L_ANKLE, L_HEEL, 0.040, 0.040, True),
    (R_ANKLE, R_HEEL, 0.040, 0.040, True),
    (L_HEEL, L_FOOT, 0.040, 0.038, True),
    (R_HEEL, R_FOOT, 0.040, 0.038, True),
    (L_FOOT, L_TIP, 0.038, 0.028, True),
    (R_FOOT, R_TIP, 0.038, 0.028, True),
)


def body_points(joints: np.ndarray) -> np.ndarray:
    """Joints (...,22,3) and, beside them, the ends of hands, feet and head: (...,32,3), metres."""

    def beyond(start: int, end: int, length: float) -> np.ndarray:
        return joints[..., end, :] + length * _unit(joints[..., end, :] - joints[..., start, :])

    hands = [beyond(L_ELBOW, L_WRIST, 0.13), beyond(R_ELBOW, R_WRIST, 0.13)]
    heels, tips = [], []
    for ankle, toe in ((L_ANKLE, L_FOOT), (R_ANKLE, R_FOOT)):
        sole = joints[..., toe, :] - joints[..., ankle, :]
        ahead = _unit(sole * (1, 0, 1))
        heels.append(joints[..., ankle, :] + sole * (0, 0.7, 0) - 0.04 * ahead)
        tips.append(joints[..., toe, :] + 0.06 * _unit(ahead + 0.25 * _unit(sole) * (0, 1, 0)))
    up = _unit(joints[..., HEAD, :] - joints[..., SPINE3, :])
    face, crown = joints[..., HEAD, :] + 0.035 * up, joints[..., HEAD, :] + 0.10 * up
    ahead = _unit(np.cross(joints[..., L_SHOULDER, :] - joints[..., R_SHOULDER, :], up))
    brow, nose = face + 0.05 * up + 0.075 * ahead, face + 0.02 * up + 0.092 * ahead
    extra = np.stack([*hands, *heels, *tips, face, crown, brow, nose], -2)
    return np.concatenate([joints, extra], -2)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


class Stage:
    """Draws frames of one clip: figures, their shadows, a floor with a grid of metres."""

    def __init__(self) -> None:
        empty = np.zeros((256, 4), np.uint8)
        self.ramps = np.stack([empty, *(_ramp(colour) for colour in (*CLOTHES, *SKIN))])
        self._floor: tuple[Camera, Image.Image] | None = None

    def draw(self, joints: np.ndarray, camera: Camera, ghosts: Sequence[np.ndarray] = ()) -> Image.Image:
        """The picture of one frame, joints (2,22,3). `ghosts`: such poses behind it, faint to clearer."""
        points = body_points(np.asarray(joints, np.float64))
        if self._floor is None or self._floor[0] is not camera:
            self._floor = camera, draw_floor(camera)
        picture = self._floor[1].copy()
        draw_shadow(picture, camera, [(person[[a, b]], r) for person in points for a, b, r, *_ in LIMBS])
        for rank, ghost in enumerate(ghosts, start=1):
            self._paint(picture, body_points(ghost), camera, GHOST * rank / len(ghosts))
        self._paint(picture, points, camera)
        return picture

    def _paint(self, picture: Image.Image, points: np.ndarray, camera: Camera, opacity: float = 1.0) -> None:
        """Draw the figures SUPERSAMPLING times larger in their own box, shrink it, lay it over the picture."""
        n = SUPERSAMPLING
        seen = camera.project(points) * (n, n, 1)
        focal = camera.focal * n
        reach = 0.13 * focal / seen[..., 2].min()
        low = np.maximum((seen[..., :2].min((0, 1)) - reach) // n, 0).astype(int)
        high = np.minimum((seen[..., :2].max((0, 1)) + reach) // n + 1, camera.size).astype(int)
        if (low >= high).any():
            return
        seen[..., :2] -= low * n
        canvas = CapsuleCanvas(*((high - low) * n).tolist())
        for person in range(2):
            for start, end, radius_a, radius_b, skin in LIMBS:
                colour = 1 + person + 2 * skin
                canvas.draw(seen[person, start], seen[person, end], radius_a, radius_b, focal, colour)
        paint = canvas.shade(self.ramps, camera)
        figures = Image.frombuffer("RGBa", (paint.shape[1], paint.shape[0]), paint, "raw", "RGBa", 0, 1)
        figures = figures.reduce(n).convert("RGBA")
        cover = figures.getchannel("A").point([round(a * opacity) for a in range(256)])
        picture.paste(figures, tuple(low.tolist()), cover)


def _ramp(colour: tuple[int, int, int]) -> np.ndarray:
    """A colour from shade to light: (256,4) RGBA."""
    base = np.array(colour, np.float64)
    shade = 0.30 * base + np.array((14, 10, 26))
    light = 0.45 * base + 0.55 * 255
    levels = np.arange(256)
    table = [np.interp(levels, (0, 165, 255), channel) for channel in zip(shade, base, light, strict=True)]
    return np.stack([*table, np.full(256, 255)], 1).astype(np.uint8)
