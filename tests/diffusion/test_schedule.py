import numpy as np
import pytest

from intermamba.diffusion.schedule import cosine_schedule


def test_cosine_schedule_falls_from_all_signal_to_all_noise():
    schedule = cosine_schedule()
    assert schedule.alpha_bar.shape == (1000,)
    assert (np.diff(schedule.alpha_bar) < 0).all()
    assert schedule.alpha_bar[0] > 0.9999
    assert 0 < schedule.alpha_bar[-1] < 1e-8
    np.testing.assert_allclose(schedule.signal**2 + schedule.noise**2, 1)


def test_cosine_schedule_is_the_product_of_capped_betas():
    alpha_bar, product = [], 1.0
    for i in range(1000):
        now, after = (np.cos((k / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2 for k in (i, i + 1))
        product *= 1 - min(1 - after / now, 0.999)
        alpha_bar.append(product)
    np.testing.assert_allclose(cosine_schedule().alpha_bar, alpha_bar, rtol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 7, 20, 50, 999, 1000])
def test_timesteps_start_at_the_last_and_fall_evenly(count):
    times = cosine_schedule().timesteps(count)
    assert len(times) == count
    assert times[0] == 999
    assert times[-1] >= 0
    gaps = -np.diff(times)
    assert count == 1 or (gaps.min() >= 1 and np.ptp(gaps) <= 1)


@pytest.mark.parametrize("count", [1, 2, 20, 500, 1000])
def test_dense_ends_fall_too_and_lie_closer_at_both_ends(count):
    times = cosine_schedule().timesteps(count, dense_ends=True)
    assert len(times) == count
    assert times[0] == 999
    assert times[-1] >= 0
    gaps = -np.diff(times)
    assert (gaps > 0).all()
    assert count < 20 or max(gaps[0], gaps[-1]) <= gaps[len(gaps) // 2]


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_impossible_numbers_of_steps_are_refused(count):
    with pytest.raises(ValueError, match="1 to 1000"):
        cosine_schedule().timesteps(count)
