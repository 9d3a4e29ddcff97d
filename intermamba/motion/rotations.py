"""Rotations, vectorised over any leading axes.

Quaternions are (..., 4), w, x, y, z, of unit length; matrices are (..., 3, 3) and act on columns.
"""

import numpy as np

_TINY = 1e-12


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Scale (..., N) vectors to length 1; a zero vector stays zero."""
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return vectors / np.maximum(length, _TINY)


def quat_multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product: the rotation that applies `b` first, then `a`."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def quat_inverse(q: np.ndarray) -> np.ndarray:
    """Inverse of a unit quaternion."""
    return q * np.array([1, -1, -1, -1], dtype=q.dtype)


def quat_apply(q: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Rotate (..., 3) vectors."""
    w, axis = q[..., :1], q[..., 1:]
    twice = 2.0 * cross(axis, vectors)
    return vectors + w * twice + cross(axis, twice)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """np.cross for (..., 3), several times faster."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def quat_to_matrix(q: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3)."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quat_from_matrix(m: np.ndarray) -> np.ndarray:
    """Unit quaternions with w >= 0 of (..., 3, 3) rotation matrices.

    The four rows below are the quaternion times 4w, 4x, 4y and 4z; the longest one is the accurate one.
    """
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    rows = [
        [1 + xx + yy + zz, wx, wy, wz],
        [wx, 1 + xx - yy - zz, xy, xz],
        [wy, xy, 1 - xx + yy - zz, yz],
        [wz, xz, yz, 1 - xx - yy + zz],
    ]
    candidates = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    best = np.argmax(np.einsum("...ii->...i", candidates), axis=-1)
    q = np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :]
    q = normalise(q)
    return np.where(q[..., :1] < 0, -q, q)


def quat_from_axis_angle(axis: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """Rotation by `angle` (...) radians about `axis` (..., 3), of any length but zero."""
    half = 0.5 * np.asarray(angle, dtype=float)[..., None]
    axis = np.asarray(axis, dtype=float)
    shape = np.broadcast_shapes(half.shape[:-1], axis.shape[:-1])
    vector = np.broadcast_to(normalise(axis) * np.sin(half), (*shape, 3))
    return np.concatenate([np.broadcast_to(np.cos(half), (*shape, 1)), vector], axis=-1)


def yaw_quat(angle: np.ndarray | float) -> np.ndarray:
    """Rotation by `angle` (...) radians about +Y: +Z turns to (sin, 0, cos)."""
    return quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), angle)


def quat_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest rotation that turns direction `a` (..., 3) into direction `b` (..., 3), of any lengths."""
    a, b = np.broadcast_arrays(normalise(a), normalise(b))
    dot = np.einsum("...i,...i->...", a, b)[..., None]
    q = np.concatenate([1.0 + dot, cross(a, b)], axis=-1)
    opposite = dot < -1.0 + 1e-9
    if opposite.any():
        least = np.eye(3)[np.argmin(np.abs(a), axis=-1)]
        half_turn = np.concatenate([np.zeros_like(dot), cross(a, least)], axis=-1)
        q = np.where(opposite, half_turn, q)
    return normalise(q)


def quat_slerp(a: np.ndarray, b: np.ndarray, fraction: np.ndarray | float) -> np.ndarray:
    """The rotation at `fraction` (...) of the shorter way from `a` to `b`."""
    fraction = np.asarray(fraction, dtype=float)[..., None]
    dot = np.einsum("...i,...i->...", a, b)[..., None]
    b = np.where(dot < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    near = angle < 1e-4
    sine = np.where(near, 1.0, np.sin(angle))
    wa = np.where(near, 1.0 - fraction, np.sin((1.0 - fraction) * angle) / sine)
    wb = np.where(near, fraction, np.sin(fraction * angle) / sine)
    return normalise(wa * a + wb * b)


def quat_unroll(q: np.ndarray, axis: int) -> np.ndarray:
    """Choose between q and -q along time `axis` so that neighbours are near: the sign never jumps."""
    q = np.moveaxis(q, axis, 0)
    flips = np.einsum("...i,...i->...", q[1:], q[:-1]) < 0
    sign = np.where(np.cumsum(flips, axis=0) % 2 == 1, -1.0, 1.0).astype(q.dtype)
    out = q.copy()
    out[1:] *= sign[..., None]
    return np.moveaxis(out, 0, axis)


def quat_angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angle in radians, 0 to pi, between two rotations."""
    relative = quat_multiply(quat_inverse(a), b)
    sine = np.sqrt(np.einsum("...i,...i->...", relative[..., 1:], relative[..., 1:]))
    return 2.0 * np.arctan2(sine, np.abs(relative[..., 0]))


def rotation_to_6d(q: np.ndarray) -> np.ndarray:
    """InterHuman's 6D layout: the first two columns stored row by row, [r00, r01, r10, r11, r20, r21]."""
    matrix = quat_to_matrix(q)
    return matrix[..., :2].reshape(*q.shape[:-1], 6)


def rotation_from_6d(values: np.ndarray) -> np.ndarray:
    """Unit quaternions of six numbers in `rotation_to_6d`'s layout, by Gram-Schmidt (Zhou et al. 2019)."""
    first = normalise(values[..., 0::2])
    second = values[..., 1::2]
    second = normalise(second - first * np.einsum("...i,...i->...", first, second)[..., None])
    return quat_from_matrix(np.stack([first, second, cross(first, second)], axis=-1))


def kabsch(source: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Rotation matrices R (..., 3, 3) that minimise sum_n w_n |R source_n - target_n|^2 about the origin.

    `source` and `target` are (..., N, 3), `weights` (N,) or (..., N). Source: Kabsch 1976.
    """
    if weights is not None:
        source = source * weights[..., None]
    covariance = np.einsum("...ni,...nj->...ij", target, source)
    u, _, vt = np.linalg.svd(covariance)
    u[..., :, 2] *= np.linalg.det(u @ vt)[..., None]
    return u @ vt
