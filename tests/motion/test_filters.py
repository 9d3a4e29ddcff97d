import numpy as np

from intermamba.motion.filters import convolve, gaussian_smooth, minimum_jerk, smoothstep


def test_convolution_is_the_weighted_sum_of_neighbours(rng):
    values, kernel = rng.standard_normal((2, 12, 3)), np.array([0.2, 0.5, 0.3])
    out = convolve(values, kernel, axis=1)
    for t in range(1, 11):
        wanted = 0.2 * values[:, t - 1] + 0.5 * values[:, t] + 0.3 * values[:, t + 1]
        np.testing.assert_allclose(out[:, t], wanted)


def test_gaussian_keeps_lines_and_quiets_noise(rng):
    line = np.linspace(0, 5, 40)[:, None] * [1.0, -2.0]
    np.testing.assert_allclose(gaussian_smooth(line, 3.0, axis=0), line, atol=1e-9)
    noise = rng.standard_normal((400, 2))
    assert gaussian_smooth(noise, 3.0, axis=0).std() < 0.4


def test_gaussian_of_a_short_clip(rng):
    values = rng.standard_normal((2, 3))
    assert gaussian_smooth(values, 5.0, axis=0).shape == (2, 3)
    np.testing.assert_array_equal(gaussian_smooth(values[:1], 5.0, axis=0), values[:1])


def test_smoothstep_rises_either_way():
    np.testing.assert_allclose(smoothstep(np.array([0, 1, 2, 3, 4.0]), 1, 3), [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(smoothstep(np.array([0, 1, 2, 3, 4.0]), 3, 1), [1, 1, 0.5, 0, 0])


def test_minimum_jerk_starts_and_ends_at_rest():
    x = np.linspace(-0.5, 1.5, 401)
    y = minimum_jerk(x)
    assert (y[x <= 0] == 0).all()
    assert (y[x >= 1] == 1).all()
    assert (np.diff(y) >= 0).all()
    assert np.abs(np.diff(y, n=2)).max() < 2e-4  # no step in speed
