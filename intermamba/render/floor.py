"""What the figures stand on: a floor with a line every metre, and soft shadows."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .camera import Camera

SUPERSAMPLING = 2
BACKDROP = np.array((214, 216, 219), np.float32)
FLOOR = np.array((238, 236, 231), np.float32)
LINE = np.array((196, 197, 198), np.float32)
SHADOW = (92, 92, 104)
LIT = 4.5  # metres around the middle of the picture within which the floor can be seen
REACH = 9  # metres of grid to all sides
LAMP = (0.30, 0.25)  # how far a shadow falls to the right and away per metre of height
DARKNESS = 190  # of a shadow at the floor, of 255
FADE = 0.75  # metres of height over which a shadow fades
BLUR = 0.035  # metres
NEAR = 0.3  # metres before the camera where lines are cut


def draw_floor(camera: Camera) -> Image.Image:
    """The empty floor, fading into the backdrop."""
    n = SUPERSAMPLING
    forward = camera.axes[2]
    middle = (camera.eye - camera.eye[1] / forward[1] * forward)[[0, 2]]
    x, z = np.moveaxis(camera.floor() - middle.astype(np.float32), -1, 0)
    light = np.nan_to_num(np.exp((x * x + z * z) * np.float32(-1 / LIT**2)))
    lines = Image.new("L", (camera.size[0] * n, camera.size[1] * n))
    draw = ImageDraw.Draw(lines)
    for at in np.arange(-REACH, REACH + 1):
        for ends in ([[at, -REACH], [at, REACH]], [[-REACH, at], [REACH, at]]):
            _line(draw, camera, np.insert(np.round(middle) + ends, 1, 0, axis=1))
    grid = np.asarray(lines.reduce(n), np.float32) / 255 * np.sqrt(light)
    picture = BACKDROP + light[..., None] * (FLOOR - BACKDROP)
    picture += grid[..., None] * (LINE - picture)
    return Image.fromarray((picture + 0.5).astype(np.uint8))


def draw_shadow(picture: Image.Image, camera: Camera, limbs: list[tuple[np.ndarray, float]]) -> None:
    """Darken the floor under limbs, each two world points (2,3) and a radius in metres; less under high ones."""
    shrink = 2  # a blurred thing needs no resolution
    shadow = Image.new("L", (camera.size[0] // shrink, camera.size[1] // shrink))
    draw = ImageDraw.Draw(shadow)
    drift = LAMP[0] * camera.axes[0] + LAMP[1] * _level(camera.axes[2])
    for ends, radius in sorted(limbs, key=lambda limb: -limb[0][:, 1].mean()):
        height = np.maximum(ends[:, 1:2], 0)
        seen = camera.project(ends * (1, 0, 1) + height * drift)
        wide = radius * camera.focal / seen[0, 2] / shrink
        fill = round(DARKNESS * np.exp(-height.mean() / FADE))
        line = (seen[:, :2] / shrink).tolist()
        draw.line([*line[0], *line[1]], fill=fill, width=max(round(1.6 * wide), 1))
        for x, y in line:
            draw.ellipse([x - wide, y - wide / 2, x + wide, y + wide / 2], fill=fill)
    depth = np.mean([camera.project(ends)[:, 2] for ends, _ in limbs])
    soft = shadow.filter(ImageFilter.GaussianBlur(float(BLUR * camera.focal / depth / shrink)))
    picture.paste(SHADOW, None, soft.resize(camera.size, Image.Resampling.BILINEAR))


def _level(vector: np.ndarray) -> np.ndarray:
    flat = vector * (1, 0, 1)
    return flat / np.linalg.norm(flat)


def _line(draw: ImageDraw.ImageDraw, camera: Camera, ends: np.ndarray) -> None:
    """A line between two world points (2,3), cut where it passes the camera."""
    depths = (ends - camera.eye) @ camera.axes[2]
    if depths.max() <= NEAR:
        return
    if depths.min() < NEAR:
        hidden = int(np.argmin(depths))
        part = (NEAR - depths[hidden]) / (depths[1 - hidden] - depths[hidden])
        ends[hidden] += part * (ends[1 - hidden] - ends[hidden])
    draw.line((camera.project(ends)[:, :2] * SUPERSAMPLING).ravel().tolist(), fill=255, width=SUPERSAMPLING)
