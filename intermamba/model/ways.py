"""Which way of doing what a prompt asks for. Not in the paper.

Words leave open how. In noise a network can but answer with the mean of all that they may mean, and a small one then
makes that mean of every seed. Told one of several ways as well, it has something to tell apart from the first step on.
"""

import numpy as np

SIZE = 0.5  # root mean square; that of a condition is about 1


def way_codes(count: int, channels: int) -> np.ndarray:
    """Return what is added to a condition for each of `count` ways (count, channels): rows of a DCT-II, orthogonal."""
    k, c = np.arange(1, count + 1)[:, None], np.arange(channels) + 0.5
    return (SIZE * 2**0.5 * np.cos(np.pi * k * c / channels)).astype(np.float32)
