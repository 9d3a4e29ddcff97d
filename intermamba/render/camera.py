"""A camera that keeps two people in the picture for a whole clip."""

from dataclasses import dataclass

import numpy as np

PITCH = np.radians(14.0)  # looking down
FIELD_OF_VIEW = np.radians(25.0)  # vertical; long lenses keep the two people's sizes comparable
OBLIQUE = np.radians(22.0)  # away from the exact side view
MARGIN = 0.86  # the part of the picture that people may fill
BODY = 0.13  # flesh around the joints, metres
FAR = 10.0  # a steady camera farther away than this follows instead, metres
SMOOTHING = 0.8  # of a following camera, seconds


@dataclass(frozen=True, eq=False)
class Camera:
    """Pinhole camera: position `eye` (3,), `axes` (3,3) with rows right, up, forward, `focal` in pixels."""

    eye: np.ndarray
    axes: np.ndarray
    focal: float
    size: tuple[int, int]

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (...,3) in metres to (...,3): pixel x, pixel y, depth in metres."""
        seen = (points - self.eye) @ self.axes.T
        depth = np.maximum(seen[..., 2:], 0.05)
        centre = np.array(self.size) / 2
        return np.concatenate([centre + self.focal * seen[..., :2] * (1, -1) / depth, depth], -1)

    def floor(self) -> np.ndarray:
        """Where each pixel's ray meets the floor: (height, width, 2) world x and z, nan above the horizon."""
        width, height = self.size
        x = ((np.arange(width) + 0.5 - width / 2) / self.focal).astype(np.float32)
        y = ((height / 2 - np.arange(height) - 0.5) / self.focal)[:, None]
        right, up, forward = self.axes
        fall = -(y * up[1] + forward[1])  # the same along a row, as right is level
        reach = self.eye[1] / np.where(fall > 0, fall, np.nan)
        ends = [
            (self.eye[k] + reach * (y * up[k] + forward[k])).astype(np.float32)
            + (reach * right[k]).astype(np.float32) * x
            for k in (0, 2)
        ]
        return np.stack(ends, -1)


def film(joints: np.ndarray, fps: float, size: tuple[int, int]) -> list[Camera]:
    """One camera per frame for joints (2,T,22,3): one steady one, or a following one for people who travel far."""
    axes = _axes(_side_view(joints))
    focal = size[1] / 2 / np.tan(FIELD_OF_VIEW / 2)
    eye, distance = _frame_all(joints, axes, focal, size)
    if distance <= FAR:
        return [Camera(eye, axes, focal, size)] * joints.shape[1]
    path = _smooth(joints[:, :, 0].mean(0) * (1, 0, 1), SMOOTHING * fps)
    eye, _ = _frame_all(joints - path[None, :, None], axes, focal, size)
    return [Camera(eye + point, axes, focal, size) for point in path]


def _side_view(joints: np.ndarray) -> float:
    """The heading that looks at the pair obliquely from the side, person 0 on the left, so that both are seen."""
    between = (joints[1, :, 0] - joints[0, :, 0])[:, [0, 2]]
    yaws = np.radians(np.arange(0, 360, 15))
    right = np.stack([np.cos(yaws), -np.sin(yaws)], 1)
    apart = between @ right.T  # (T, yaws)
    best = yaws[np.argmax(np.minimum(np.abs(apart), 0.8).mean(0) + 0.2 * np.sign(apart.mean(0)))]
    return float(best + OBLIQUE)


def _axes(yaw: float) -> np.ndarray:
    """Right, up and forward of a camera with this heading (0 looks along +Z ... right is then -X) and PITCH."""
    sin, cos = np.sin(yaw), np.cos(yaw)
    right = np.array([cos, 0.0, -sin])
    level = np.array([-sin, 0.0, -cos])
    forward = level * np.cos(PITCH) - np.array([0, np.sin(PITCH), 0])
    return np.stack([right, np.cross(right, forward), forward])


def _frame_all(
    joints: np.ndarray, axes: np.ndarray, focal: float, size: tuple[int, int]
) -> tuple[np.ndarray, float]:
    """The nearest eye that has all joints (...,3) within the picture's MARGIN, and its distance from the origin.

    A point at (x, z) across and along the view is inside while |x - eye| <= k (z + d), with k the half picture's
    slope: lines in d and eye, so the smallest d is where the outermost lines of either side meet.
    """
    across, up, along = np.moveaxis(joints @ axes.T, -1, 0)
    centre, distances = [], []
    for offset, pixels in ((across, size[0]), (up, size[1])):
        k = MARGIN * pixels / 2 / focal
        most, least = (offset + BODY - k * along).max(), (offset - BODY + k * along).min()
        centre.append((most + least) / 2)
        distances.append((most - least) / (2 * k))
    distance = max(distances)
    return centre[0] * axes[0] + centre[1] * axes[1] - distance * axes[2], distance


def _smooth(path: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian filter over the frames of path (T,3); the ends are held."""
    reach = int(3 * sigma) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(path, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, weights / weights.sum(), "valid") for column in padded.T], 1)
