"""Two people as shaded capsule figures on a floor."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

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
    PELVIS,
    R_ANKLE,
    R_ELBOW,
    R_FOOT,
    R_HIP,
    R_KNEE,
    R_SHOULDER,
    R_WRIST,
    SPINE2,
    SPINE3,
)  # fmt: skip
from .camera import Camera
from .capsules import CapsuleCanvas

SUPERSAMPLING = 2
GHOST = 0.30  # opacity of the clearest ghost
LAMP = (0.30, -0.25)  # a shadow's shift on the floor in x, z per metre of height

# Points beside the 22 joints, see body_points.
L_HAND, R_HAND, L_HEEL, R_HEEL, L_TIP, R_TIP, FACE, CROWN, BREAST, BROW, NOSE = range(22, 33)

# (from, to, radius, radius, is skin): the flesh on an adult's bones, metres.
LIMBS = (
    (PELVIS, L_HIP, 0.112, 0.092, False),
    (PELVIS, R_HIP, 0.112, 0.092, False),
    (PELVIS, SPINE2, 0.112, 0.112, False),
    (SPINE2, NECK, 0.113, 0.064, False),
    (SPINE2, BREAST, 0.112, 0.112, False),
    (BREAST, L_SHOULDER, 0.100, 0.058, False),
    (BREAST, R_SHOULDER, 0.100, 0.058, False),
    (NECK, HEAD, 0.052, 0.048, True),
    (FACE, CROWN, 0.080, 0.094, True),
    (BROW, NOSE, 0.012, 0.018, True),
    (L_SHOULDER, L_ELBOW, 0.054, 0.042, False),
    (R_SHOULDER, R_ELBOW, 0.054, 0.042, False),
    (L_ELBOW, L_WRIST, 0.042, 0.030, False),
    (R_ELBOW, R_WRIST, 0.042, 0.030, False),
    (L_WRIST, L_HAND, 0.036, 0.024, True),
    (R_WRIST, R_HAND, 0.036, 0.024, True),
    (L_HIP, L_KNEE, 0.080, 0.057, False),
    (R_HIP, R_KNEE, 0.080, 0.057, False),
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
    """Joints (...,22,3) and the ends of hands, feet and head and the breast: (...,33,3), metres."""

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
    breast = 0.5 * joints[..., SPINE3, :] + 0.25 * (joints[..., L_SHOULDER, :] + joints[..., R_SHOULDER, :])
    ahead = _unit(np.cross(joints[..., L_SHOULDER, :] - joints[..., R_SHOULDER, :], up))
    brow, nose = face + 0.05 * up + 0.075 * ahead, face + 0.02 * up + 0.092 * ahead
    extra = np.stack([*hands, *heels, *tips, face, crown, breast, brow, nose], -2)
    return np.concatenate([joints, extra], -2)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


@dataclass(frozen=True)
class Palette:
    """Colours 0..255: each person's clothes and skin, the floor and what is behind it."""

    clothes: tuple[tuple[int, int, int], tuple[int, int, int]] = ((222, 98, 68), (44, 124, 150))
    skin: tuple[tuple[int, int, int], tuple[int, int, int]] = ((246, 190, 152), (150, 205, 214))
    floor: tuple[int, int, int] = (238, 236, 231)
    backdrop: tuple[int, int, int] = (214, 216, 219)
    line: tuple[int, int, int] = (196, 197, 198)
    shadow: tuple[int, int, int] = (92, 92, 104)


PALETTE = Palette()


class Stage:
    """Draws frames of one clip: figures, their shadows, a floor with a grid of metres."""

    def __init__(self, palette: Palette = PALETTE) -> None:
        self._palette = palette
        self.ramps = np.stack([_ramp(c) for c in ((0, 0, 0), *palette.clothes, *palette.skin)])
        self._floor: tuple[Camera, Image.Image] | None = None

    def draw(self, joints: np.ndarray, camera: Camera, ghosts: np.ndarray | None = None) -> Image.Image:
        """The picture of one frame, joints (2,22,3). `ghosts` (G,2,22,3): poses behind it, faint to clearer."""
        points = body_points(np.asarray(joints, np.float64))
        picture = self._floor_with_shadows(points, camera)
        for rank, ghost in enumerate([] if ghosts is None else ghosts, start=1):
            self._paint(picture, body_points(ghost), camera, GHOST * rank / len(ghosts))
        self._paint(picture, points, camera)
        return picture

    def _floor_with_shadows(self, points: np.ndarray, camera: Camera) -> Image.Image:
        if self._floor is None or self._floor[0] is not camera:
            self._floor = camera, draw_floor(camera, self._palette)
        floor = self._floor[1]
        return Image.composite(
            Image.new("RGB", floor.size, self._palette.shadow), floor, _shadow(points, camera)
        )

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


def draw_floor(camera: Camera, palette: Palette = PALETTE) -> Image.Image:
    """The empty stage: a floor that fades into the backdrop, with a line every metre."""
    n = SUPERSAMPLING
    width, height = camera.size
    floor = camera.floor()
    middle = _floor_point(camera)
    away = np.hypot(*np.moveaxis(floor - middle, -1, 0))
    light = np.nan_to_num(np.exp(-((away / 4.5) ** 2)))
    lines = Image.new("L", (width * n, height * n))
    draw = ImageDraw.Draw(lines)
    steps = np.arange(-9, 10)
    for at in steps:
        for ends in (((at, -9), (at, 9)), ((-9, at), (9, at))):
            world = np.insert(np.round(middle) + np.array(ends, float), 1, 0, axis=1)
            _line(draw, camera, world, n)
    grid = np.asarray(lines.reduce(n), np.float32) / 255 * light**0.7
    colours = [np.array(c, np.float32) for c in (palette.backdrop, palette.floor, palette.line)]
    picture = colours[0] + light[..., None] * (colours[1] - colours[0])
    picture += grid[..., None] * (colours[2] - picture)
    return Image.fromarray((picture + 0.5).astype(np.uint8))


def _floor_point(camera: Camera) -> np.ndarray:
    """World x, z in the middle of the picture."""
    forward = camera.axes[2]
    return (camera.eye - camera.eye[1] / forward[1] * forward)[[0, 2]]


def _line(draw: ImageDraw.ImageDraw, camera: Camera, ends: np.ndarray, n: int) -> None:
    """A floor line between two world points (2,3), cut where it passes behind the camera."""
    depths = (ends - camera.eye) @ camera.axes[2]
    near = 0.3
    if depths.max() < near:
        return
    if depths.min() < near:
        hidden = int(np.argmin(depths))
        part = (near - depths[hidden]) / (depths[1 - hidden] - depths[hidden])
        ends[hidden] += part * (ends[1 - hidden] - ends[hidden])
    seen = camera.project(ends)[:, :2] * n
    draw.line([tuple(p) for p in seen.tolist()], fill=255, width=n)


def _shadow(points: np.ndarray, camera: Camera) -> Image.Image:
    """How dark the floor is (L, 0..255): every limb's soft blob, fainter the higher the limb."""
    shrink = 2
    shadow = Image.new("L", (camera.size[0] // shrink, camera.size[1] // shrink))
    draw = ImageDraw.Draw(shadow)
    blobs = []
    for person in points:
        for start, end, radius, _, _ in LIMBS:
            ends = person[[start, end]]
            blobs.append((float(ends[:, 1].mean()), radius, _on_floor(ends)))
    for height, radius, ends in sorted(blobs, key=lambda blob: -blob[0]):
        seen = camera.project(ends)
        across = 2 * radius * camera.focal / seen[0, 2] / shrink
        fill = int(190 * np.exp(-max(height, 0) / 0.75))
        (ax, ay), (bx, by) = (seen[:, :2] / shrink).tolist()
        draw.line([ax, ay, bx, by], fill=fill, width=max(int(across * 0.8), 1))
        for x, y in ((ax, ay), (bx, by)):
            draw.ellipse([x - across / 2, y - across / 4, x + across / 2, y + across / 4], fill=fill)
    blur = float(0.035 * camera.focal / camera.project(points)[..., 2].mean() / shrink)
    return shadow.filter(ImageFilter.GaussianBlur(blur)).resize(camera.size, Image.Resampling.BILINEAR)


def _on_floor(points: np.ndarray) -> np.ndarray:
    """Where the shadows of points (N,3) fall."""
    height = np.maximum(points[:, 1:2], 0)
    flat = points[:, [0, 2]] + height * LAMP
    return np.insert(flat, 1, 0, axis=1)


def _ramp(colour: tuple[int, int, int]) -> np.ndarray:
    """A colour's (256,4) table from shade to light, as RGBA; black means empty."""
    if colour == (0, 0, 0):
        return np.zeros((256, 4), np.uint8)
    base = np.array(colour, np.float64)
    shade = 0.30 * base + np.array((14, 10, 26))
    light = 0.45 * base + 0.55 * 255
    stops = np.linspace(0, 255, 256)
    table = [np.interp(stops, (0, 165, 255), channel) for channel in zip(shade, base, light, strict=True)]
    return np.stack([*table, np.full(256, 255)], 1).astype(np.uint8)
