"""Shaded capsules in a depth buffer: enough of a renderer for two bodies, in numpy."""

import numpy as np

from .camera import Camera

KEY_LIGHT = np.array([-0.50, 0.75, 0.45]) / np.linalg.norm(
    [-0.50, 0.75, 0.45]
)  # right, up, towards the camera


class CapsuleCanvas:
    """Draws rounded cones and keeps, per pixel, the nearest one's depth, normal and colour number (0 is empty)."""

    def __init__(self, width: int, height: int) -> None:
        self.depth = np.full((height, width), np.inf, np.float32)
        self.across = np.zeros((height, width), np.float32)  # surface normal, pixels to the right
        self.down = np.zeros((height, width), np.float32)  # and down; the third part follows from these
        self.colour = np.zeros((height, width), np.uint8)

    def draw(
        self, a: np.ndarray, b: np.ndarray, radius_a: float, radius_b: float, focal: float, colour: int
    ) -> None:
        """A cone between points a, b (3,) = pixel x, y, depth in metres, rounded with radii in metres."""
        ra, rb = float(radius_a * focal / a[2]), float(radius_b * focal / b[2])
        if np.hypot(*(b - a)[:2]) <= abs(rb - ra) + 1e-3:  # seen along its axis: one end covers the other
            self._draw_cone(a, a, ra, ra, focal, colour)
            self._draw_cone(b, b, rb, rb, focal, colour)
        else:
            self._draw_cone(a, b, ra, rb, focal, colour)

    def _draw_cone(
        self, a: np.ndarray, b: np.ndarray, ra: float, rb: float, focal: float, colour: int
    ) -> None:
        """The same with radii in pixels; a sphere where a is b."""
        (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
        length = max(float(np.hypot(bx - ax, by - ay)), 1e-3)
        height, width = self.depth.shape
        x0, x1 = max(int(min(ax - ra, bx - rb)), 0), min(int(max(ax + ra, bx + rb)) + 1, width)
        y0, y1 = max(int(min(ay - ra, by - rb)), 0), min(int(max(ay + ra, by + rb)) + 1, height)
        if x0 >= x1 or y0 >= y1:
            return
        x = np.arange(x0, x1, dtype=np.float32) + (0.5 - ax)
        y = np.arange(y0, y1, dtype=np.float32)[:, None] + (0.5 - ay)
        ux, uy, slope = (bx - ax) / length, (by - ay) / length, (rb - ra) / length
        lean = slope / np.sqrt(1 - slope * slope)  # a cone's normals lean along its axis
        t = (x * ux + y * uy + np.abs(x * uy - y * ux) * float(lean)) / length
        np.clip(t, 0, 1, out=t)
        radius = ra + (rb - ra) * t
        dx = (x - (bx - ax) * t) / radius
        dy = (y - (by - ay) * t) / radius
        flat = 1 - dx * dx - dy * dy
        depth = az + (bz - az) * t - np.sqrt(np.maximum(flat, 0)) * radius * (az / focal)
        box = np.s_[y0:y1, x0:x1]
        nearer = (flat > 0) & (depth < self.depth[box])
        np.copyto(self.depth[box], depth, where=nearer)
        np.copyto(self.across[box], dx, where=nearer)
        np.copyto(self.down[box], dy, where=nearer)
        np.copyto(self.colour[box], colour, where=nearer)

    def shade(self, ramps: np.ndarray, camera: Camera) -> np.ndarray:
        """The picture (height, width, 4) uint8, from a ramp of 256 RGBA colours, dark to light, per colour number.

        Light comes from above left and from the sky, and edges that turn away from the camera are darker.
        """
        drawn = np.flatnonzero(self.colour)
        across, down = self.across.ravel()[drawn], self.down.ravel()[drawn]
        facing = np.sqrt(np.maximum(1 - across * across - down * down, 0))

        def towards(light: np.ndarray) -> np.ndarray:
            right, up, near = light.astype(np.float32)
            return across * right - down * up + facing * near

        sky = camera.axes[:, 1] * (1, 1, -1)  # the world's up as the camera sees it
        bright = 0.22 + towards(0.14 * sky + (0, 0, 0.16)) + 0.52 * np.maximum(towards(KEY_LIGHT), 0)
        level = (np.clip(bright, 0, 1) * 255).astype(np.uint8)
        picture = np.zeros(self.colour.size, np.uint32)
        picture[drawn] = ramps.view(np.uint32)[self.colour.ravel()[drawn], level, 0]
        return picture.view(np.uint8).reshape(*self.colour.shape, 4)
