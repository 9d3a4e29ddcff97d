"""The prior: a mean motion for prompt, person and moment, which counts where there is little but noise."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from intermamba.diffusion.schedule import cosine_schedule  # noqa: E402
from intermamba.model.config import ModelConfig, mini  # noqa: E402
from intermamba.model.embedding import sinusoid, waves  # noqa: E402
from intermamba.model.network import make_network  # noqa: E402
from intermamba.model.prior import Prior  # noqa: E402

TINY = ModelConfig(width=16, features=3, patch=2, max_frames=40, condition_width=8, prior=12)


def places(tokens):
    place = sinusoid(torch.arange(tokens), TINY.width)
    return torch.cat([place, place.flip(0), place], -1)


def test_a_token_knows_how_far_start_end_and_middle_of_a_clip_are_at_every_length():
    network = make_network(mini())
    width = network.config.width
    for tokens in (4, 5, 20):
        start, end, middle = network.places(tokens).split(width, -1)
        torch.testing.assert_close(start, sinusoid(torch.arange(tokens), width))
        torch.testing.assert_close(end, start.flip(0))
        from_middle = torch.arange(tokens) - (tokens - 1) / 2
        torch.testing.assert_close(middle, waves(from_middle, width), atol=1e-4, rtol=0)


def test_the_two_people_and_the_moments_differ():
    torch.manual_seed(0)
    mean = Prior(TINY)(torch.randn(3, 8), places(7))
    assert mean.shape == (3, 2, 7, 6)
    assert not torch.allclose(mean[:, 0], mean[:, 1])
    assert not torch.allclose(mean[:, :, 0], mean[:, :, -1])


def test_its_share_grows_from_nothing_to_all_with_the_noise():
    share = Prior(TINY).share(torch.arange(0, 1000, 37)).flatten()
    assert (share.diff() > 0).all()
    assert share[0] < 1e-5
    assert Prior(TINY).share(torch.tensor([999])).item() > 0.98


def test_its_share_follows_the_schedule_a_step_late_and_is_finite_at_the_last():
    prior, schedule = Prior(TINY), cosine_schedule()
    logits = torch.logit(prior.share(torch.arange(1000)).flatten().double())
    assert torch.isfinite(logits).all()
    noise_to_signal = torch.from_numpy(np.log(schedule.noise / schedule.signal))[600:999]
    wanted = prior.gate[0] * (noise_to_signal - prior.gate[1])
    torch.testing.assert_close(logits[601:], wanted, atol=0.01, rtol=0)


def test_in_pure_noise_the_network_says_little_else():
    torch.manual_seed(0)
    network = make_network(mini()).eval()
    x, cond = torch.randn(1, 2, 24, 262), torch.randn(1, 384)
    with torch.no_grad():
        mean = network.prior(cond, network.places(6)).reshape(1, 2, 24, 262)
        torch.testing.assert_close(network(x, torch.tensor([999]), cond), 0.9999 * mean, rtol=1e-3, atol=1e-4)
