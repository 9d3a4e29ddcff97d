"""Pictures of takes, to choose among them: four moments of each, seen from the side."""

import bpy
import bpy.utils.previews
import numpy as np
from bpy.props import EnumProperty

from intermamba.errors import MotionFileError
from intermamba.motion.motion import Motion
from intermamba.motion.rotations import normalise
from intermamba.motion.skeleton import HEAD, PARENTS, PELVIS

from .properties import IntermambaTake
from .takes import motion_of_take

CELL = 128  # pixels of one moment's width and height
MOMENTS = (0.1, 0.4, 0.7, 0.95)  # of the clip, from left to right and from above down
COLOURS = (
    (0.92, 0.47, 0.33),
    (0.36, 0.68, 0.86),
)  # the mannequins' own, bright enough for dark and light themes
_BONE, _HEAD, _MARGIN = 0.05, 0.11, 0.26  # metres: half the width of a limb, a head's radius, round the pair
_LEAST = 0.9  # metres from the middle of a picture to its edge

_pictures: bpy.utils.previews.ImagePreviewCollection | None = None
_items: list[tuple[str, str, str, int, int]] = []  # Blender does not keep the texts of an enum alive


def picture(motion: Motion) -> np.ndarray:
    """RGBA (2 CELL, 2 CELL, 4), bottom row first, of both people as stick figures on nothing."""
    frames = np.rint(np.array(MOMENTS) * (motion.frames - 1)).astype(int)
    seen = _from_the_side(motion.joints)[:, frames]
    low, high = seen.min(axis=(0, 2)), seen.max(axis=(0, 2))
    half = max(0.5 * (high - low).max() + _MARGIN, _LEAST)
    points = (seen - 0.5 * (low + high)[:, None]) / half
    cells = [_moment(points[:, k], half) for k in range(len(frames))]
    return np.concatenate([np.hstack(cells[2:]), np.hstack(cells[:2])])


def _from_the_side(joints: np.ndarray) -> np.ndarray:
    """Joints (2,T,22,3) as (2,T,22,2), metres to the right and up, with the pair beside each other."""
    between = (joints[1, :, PELVIS] - joints[0, :, PELVIS]).mean(axis=0) * [1.0, 0.0, 1.0]
    right = normalise(between) if np.linalg.norm(between) > 1e-3 else np.array([1.0, 0.0, 0.0])
    return np.stack([joints @ right, joints[..., 1]], axis=-1)


def _moment(points: np.ndarray, half: float) -> np.ndarray:
    """One cell (CELL, CELL, 4) of points (2,22,2) from -1 to 1; `half` metres are 1."""
    cell = np.zeros((CELL, CELL, 4), np.float32)
    pixels = 0.5 * CELL * (points + 1.0)
    size = 0.5 * CELL / half
    for body, colour in zip(pixels, COLOURS, strict=True):
        for joint, parent in enumerate(PARENTS):
            if parent >= 0:
                _stroke(cell, body[parent], body[joint], _BONE * size, colour)
        _stroke(cell, body[HEAD], body[HEAD] + [0.0, _HEAD * size], _HEAD * size, colour)
    return cell


def _stroke(cell: np.ndarray, a: np.ndarray, b: np.ndarray, radius: float, colour: tuple) -> None:
    """Draw a line with round ends and soft edges."""
    low = np.clip(np.minimum(a, b) - radius - 1.0, 0, CELL).astype(int)
    high = np.clip(np.maximum(a, b) + radius + 2.0, 0, CELL).astype(int)
    x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
    along = b - a
    to = np.stack([x, y], axis=-1) - a
    share = np.clip(to @ along / max(float(along @ along), 1e-9), 0.0, 1.0)
    away = np.linalg.norm(to - share[..., None] * along, axis=-1)
    cover = np.clip(radius - away + 0.5, 0.0, 1.0)[..., None]
    part = cell[low[1] : high[1], low[0] : high[0]]
    alpha = part[..., 3:] + cover * (1.0 - part[..., 3:])
    part[..., :3] += cover * (np.array(colour) - part[..., :3])
    part[..., 3:] = alpha


def icon_of(take: IntermambaTake) -> int:
    """The icon of a take's picture, drawn when it is first asked for; 0 where the take is damaged."""
    global _pictures
    if _pictures is None:
        _pictures = bpy.utils.previews.new()
    name = f"{take.key} {take.swapped} {take.mirrored} {take.distance:.3f}"
    if name not in _pictures:
        try:
            drawn = picture(motion_of_take(take))
        except MotionFileError:
            return 0
        preview = _pictures.new(name)
        preview.image_size = drawn.shape[:2]
        preview.image_pixels_float.foreach_set(drawn.astype(np.float32).ravel())
    return _pictures[name].icon_id


def forget_pictures() -> None:
    """Free all pictures; they are drawn again when asked for."""
    global _pictures
    if _pictures is not None:
        bpy.utils.previews.remove(_pictures)
        _pictures = None
    _items.clear()


def _choices(scene: bpy.types.Scene, _: bpy.types.Context) -> list[tuple[str, str, str, int, int]]:
    _items[:] = [
        (str(n), str(take.seed), take.name, icon_of(take), n) for n, take in enumerate(scene.intermamba.takes)
    ]
    return _items


def _chosen(scene: bpy.types.Scene) -> int:
    return scene.intermamba.take


def _choose(scene: bpy.types.Scene, take: int) -> None:
    scene.intermamba.take = take


CLASSES = ()
PROPERTIES = (
    (
        bpy.types.Scene,
        "intermamba_take",
        EnumProperty(
            name="Take",
            description="Choose a take by its picture: four moments of it, A warm and B cool",
            items=_choices,
            get=_chosen,
            set=_choose,
        ),
    ),
)
