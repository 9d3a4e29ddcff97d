"""Smooth bodies from simple solids: signed distances, blended, and the quads of their surface. numpy only.

Distances are metres, negative inside. Points are (..., 3).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cone:
    """A capsule with two radii, flattened along its `flat` axis by `depth` (1 = round)."""

    start: np.ndarray
    end: np.ndarray
    radii: tuple[float, float]
    depth: float = 1.0
    flat: np.ndarray | None = None

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance to the surface; a bound, not exact, where flattened or strongly tapered."""
        points = points - self.start
        axis = self.end - self.start
        if self.flat is not None:
            stretch = np.eye(3) + (1.0 / self.depth - 1.0) * np.outer(self.flat, self.flat)
            points, axis = points @ stretch, axis @ stretch
        along = np.clip((points @ axis) / (axis @ axis), 0.0, 1.0)
        gap = np.linalg.norm(points - along[..., None] * axis, axis=-1)
        radius = self.radii[0] + along * (self.radii[1] - self.radii[0])
        return (gap - radius) * (self.depth if self.flat is not None else 1.0)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner."""
        ends = np.array([self.start, self.end])
        reach = max(self.radii)
        return ends.min(axis=0) - reach, ends.max(axis=0) + reach


@dataclass(frozen=True)
class Ellipsoid:
    """Half axes `size` along x, y, z."""

    centre: np.ndarray
    size: np.ndarray

    def distance(self, points: np.ndarray) -> np.ndarray:
        """First-order distance to the surface."""
        scaled = (points - self.centre) / self.size
        level = np.linalg.norm(scaled, axis=-1)
        slope = np.linalg.norm(scaled / self.size, axis=-1)
        inside = level < 1e-9  # the centre itself has no slope
        return np.where(inside, -self.size.min(), level * (level - 1.0) / np.where(inside, 1.0, slope))

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner."""
        return self.centre - self.size, self.centre + self.size


def blend(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """Union of two distances, rounded where they are within `width` of each other."""
    near = np.maximum(width - np.abs(a - b), 0.0) / width
    return np.minimum(a, b) - 0.25 * width * near * near


def union(solids: list, points: np.ndarray, width: float) -> np.ndarray:
    """Blended distance (...) of points to all solids."""
    total = np.full(points.shape[:-1], 1.0)
    for solid in solids:
        total = blend(total, solid.distance(points), width)
    return total


def surface_of(solids: list, cell: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V,3) and quads (Q,4), facing outward, of the blended solids, in cells of `cell` metres."""
    corners = np.array([solid.bounds() for solid in solids])
    low = corners[:, 0].min(axis=0) - 2 * cell
    shape = np.ceil((corners[:, 1].max(axis=0) + 2 * cell - low) / cell).astype(int) + 1
    field = np.full(shape, 1.0)
    for solid, (start, end) in zip(solids, corners, strict=True):
        first = np.maximum(((start - width - low) / cell).astype(int), 0)
        last = np.minimum(((end + width - low) / cell).astype(int) + 2, shape)
        box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        grid = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), axis=-1)
        field[box] = blend(field[box], solid.distance(low + cell * grid), width)
    vertices, quads = _surface_nets(field)
    vertices = low + cell * vertices
    for _ in range(2):
        vertices = _towards_surface(solids, vertices, width, cell)
    return vertices, quads


def _towards_surface(solids: list, points: np.ndarray, width: float, cell: float) -> np.ndarray:
    """One Newton step onto the zero level."""
    step = 0.1 * cell
    value = union(solids, points, width)
    ahead = [union(solids, points + step * axis, width) for axis in np.eye(3)]
    slope = (np.stack(ahead, axis=-1) - value[:, None]) / step
    move = (value / np.maximum(np.einsum("ni,ni->n", slope, slope), 0.1))[:, None] * slope
    length = np.linalg.norm(move, axis=-1, keepdims=True)
    return points - move * np.minimum(1.0, 0.5 * cell / np.maximum(length, 1e-12))


def _surface_nets(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Naive surface nets (Gibson 1998): one vertex in each cell that the zero level crosses, one quad per
    crossed edge.

    Vertices are in cells of the grid. The field must be positive all around.
    """
    total = np.zeros((*(n - 1 for n in field.shape), 3))
    count = np.zeros(total.shape[:-1])
    crossings = []
    for axis in range(3):
        a = np.take(field, range(field.shape[axis] - 1), axis)
        b = np.take(field, range(1, field.shape[axis]), axis)
        crossed = (a < 0) != (b < 0)
        at = np.argwhere(crossed)
        point = at.astype(float)
        point[:, axis] += (a / np.where(a == b, 1.0, a - b))[crossed]
        u, v = (axis + 1) % 3, (axis + 2) % 3
        cells = np.repeat(at[:, None], 4, axis=1)  # the four cells around the edge, in turn
        cells[:, (1, 2), u] -= 1
        cells[:, (2, 3), v] -= 1
        for k in range(4):
            np.add.at(total, tuple(cells[:, k].T), point)
            np.add.at(count, tuple(cells[:, k].T), 1)
        outward = a[crossed] < 0
        crossings.append(np.where(outward[:, None, None], cells[:, ::-1], cells)[:, ::-1])
    used = count > 0
    index = np.cumsum(used).reshape(used.shape) - 1
    quads = index[tuple(np.moveaxis(np.concatenate(crossings), -1, 0))]
    return total[used] / count[used][:, None], quads
