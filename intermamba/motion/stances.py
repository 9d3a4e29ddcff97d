"""When feet stand: every foot's path is cut into stances and swings in the way that costs least.

A network's feet are never quite still, and glide where people walk. A threshold on speed then finds no stance at all,
or shreds. So a frame of standing costs by how far a foot is from one place, a frame of swinging by how slow it is, and
the cheapest sequence is found exactly, by dynamic programming. A stance has a price, so that none is a flicker.
"""

import numpy as np

from .adjust import widest
from .features import CONTACT_HEIGHTS
from .filters import gaussian_smooth, smoothstep

# A frame of standing costs 1 this far (m) from the stance's middle, a heel less far than a ball, on which it turns;
# 1 when it is so much (m) too high; and this when its contact label is below the second of these, less up to the first.
AWAY = (0.04, 0.12, 0.04, 0.12)
TOO_HIGH = 0.03
LABEL, NO_LABEL = (0.6, 0.3), 0.5
# A frame of swinging costs 1 for a foot at rest and half as much at a speed (m/s): this one for a foot that comes to
# rest, more for one that glides, by so many times its least speed (m/s, up to a limit) within so many frames.
SLOW = 0.1
GLIDE_SHARE, MOST_GLIDE, GLIDE_FRAMES = 1.5, 0.6, 10
# A foot that rises or sinks does not stand, so that speed counts more.
RISE_SHARE = 2.0
# What a stance costs, in frames.
STANCE = 1.5


def find_stances(feet: np.ndarray, labels: np.ndarray, fps: float) -> np.ndarray:
    """Whether each foot joint stands, bool (..., T, 4), from paths (..., T, 4, 3) in the order of FEET.

    `labels` (..., T, 4) are contacts as the network says them, 0 to 1.
    """
    velocity = gaussian_smooth(np.gradient(feet, axis=-3) * fps, 1.0, axis=-3)
    speed = np.moveaxis(np.linalg.norm(velocity * [1.0, RISE_SHARE, 1.0], axis=-1), -1, -2)
    glide = np.minimum(-widest(-speed, GLIDE_FRAMES), MOST_GLIDE)
    swings = 1.0 / (1.0 + np.square(speed / (SLOW + GLIDE_SHARE * glide)))
    too_high = np.maximum(feet[..., 1] - np.array(CONTACT_HEIGHTS), 0.0)
    stands = np.moveaxis(np.square(too_high / TOO_HIGH) + NO_LABEL * smoothstep(labels, *LABEL), -1, -2)
    places = np.moveaxis(feet[..., (0, 2)] / np.array(AWAY)[:, None], -2, -3)
    flat = (-1, feet.shape[-3])
    out = _cheapest(places.reshape(*flat, 2), stands.reshape(flat), swings.reshape(flat))
    return np.moveaxis(out.reshape(places.shape[:-1]), -1, -2)


def _cheapest(places: np.ndarray, stands: np.ndarray, swings: np.ndarray) -> np.ndarray:
    """Which frames (N, T) of N paths (N, T, 2) are stances, at least cost; costs of both by frame (N, T).

    A stance also costs the squares of its distances from its mean. Between two stances there is a swing.
    """
    count, frames = stands.shape
    places = (places - places.mean(axis=1, keepdims=True)).transpose(2, 1, 0)
    x, y, fixed = np.zeros((3, frames + 1, count))
    x[1:], y[1:] = np.cumsum(places, axis=1)
    fixed[1:] = np.cumsum(stands.T + np.square(places).sum(axis=0), axis=0)
    # The least that the first t frames cost when the last of them swings or stands, and where that stance starts.
    swing, stance = np.full((2, frames + 1, count), np.inf)
    starts = np.zeros((frames + 1, count), dtype=int)
    swing[0] = 0.0
    every, lengths = np.arange(count), np.arange(frames, 0, -1.0)[:, None]
    for t in range(1, frames + 1):
        spread = (np.square(x[t] - x[:t]) + np.square(y[t] - y[:t])) / lengths[-t:]
        costs = swing[:t] - fixed[:t] - spread
        start = starts[t] = costs.argmin(axis=0)
        stance[t] = STANCE + costs[start, every] + fixed[t]
        swing[t] = np.minimum(swing[t - 1], stance[t - 1]) + swings[:, t - 1]
    out = np.zeros((count, frames), dtype=bool)
    for path, standing in enumerate((stance < swing).T):
        t = frames
        while t > 0:
            start = starts[t, path] if standing[t] else t - 1
            if standing[t]:
                out[path, start:t] = True
                standing[start] = False  # a swing goes before it
            t = start
    return out
