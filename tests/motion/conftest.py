"""What the tests of the motion room share."""

import numpy as np
import pytest

from intermamba.motion.motion import Motion
from intermamba.motion.rotations import normalise
from tests.clips import synthetic_pair


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def pair() -> Motion:
    return synthetic_pair(90, seed=1)


@pytest.fixture
def random_quats(rng):
    def make(*shape: int) -> np.ndarray:
        return normalise(rng.standard_normal((*shape, 4)))

    return make
