import numpy as np
import pytest

from intermamba.diffusion.guidance import contrasted, guided
from intermamba.diffusion.samplers import SAMPLERS, ddim, dpmpp_2m
from intermamba.diffusion.schedule import cosine_schedule
from intermamba.errors import Cancelled

SCHEDULE = cosine_schedule()
MEAN = np.array([1.5, -1.0, 0.5, 0.0])
STD = np.array([0.2, 0.4, 0.8, 1.3])


def gaussian_denoiser(x, t):
    """The posterior mean of x_0 where the data are Gaussian: the network that training would end at."""
    signal, noise = SCHEDULE.signal[t], SCHEDULE.noise[t]
    gain = signal * STD**2 / (signal**2 * STD**2 + noise**2)
    return MEAN + gain * (x - signal * MEAN)


def wavy_denoiser(x, t):
    """Nothing in particular, but not linear in x and different at each t."""
    return 0.8 * np.sin(x + t / 300) - 0.1 * x


def torch_wavy_denoiser(torch):
    return lambda x, t: 0.8 * torch.sin(x + t / 300) - 0.1 * x


@pytest.mark.parametrize("name", SAMPLERS)
def test_gaussian_noise_becomes_the_gaussian_data(name):
    x_T = np.random.default_rng(0).standard_normal((4000, 4))
    x_0 = SAMPLERS[name](gaussian_denoiser, x_T, SCHEDULE, steps=250)
    np.testing.assert_allclose(x_0.mean(0), MEAN, atol=0.05)
    np.testing.assert_allclose(x_0.std(0), STD, rtol=0.05)


@pytest.mark.parametrize(("name", "order"), [("ddim", 1), ("dpm++", 2)])
def test_samplers_converge_to_where_the_probability_flow_leads(name, order):
    """For Gaussian data x_T goes to mean + std x_T. More steps come nearer, a higher order faster."""
    x_T = np.random.default_rng(1).standard_normal((500, 4))
    exact = (MEAN + STD * x_T)[:, 2:]  # where the last level of noise is small beside the data's own spread
    errors = [
        np.abs(SAMPLERS[name](gaussian_denoiser, x_T, SCHEDULE, steps=steps)[:, 2:] - exact).mean()
        for steps in (10, 20, 40)
    ]
    assert errors[1] < errors[0] / 1.6**order
    assert errors[2] < errors[1] / 1.5
    assert errors[2] < (0.03 if order == 1 else 0.003)


@pytest.mark.parametrize("steps", [10, 20, 50])
def test_ddim_is_diffusers(steps):
    torch = pytest.importorskip("torch")
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="sample",
        clip_sample=False,
        set_alpha_to_one=True,
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(steps)
    assert scheduler.timesteps.tolist() == SCHEDULE.timesteps(steps)
    _compare_with_diffusers(torch, scheduler, ddim, steps)


@pytest.mark.parametrize("steps", [8, 20, 50])
def test_dpmpp_2m_is_diffusers(steps):
    torch = pytest.importorskip("torch")
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DPMSolverMultistepScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="sample",
        algorithm_type="dpmsolver++",
        solver_order=2,
        solver_type="midpoint",
        final_sigmas_type="zero",
    )
    scheduler.set_timesteps(timesteps=SCHEDULE.timesteps(steps, dense_ends=True))
    _compare_with_diffusers(torch, scheduler, dpmpp_2m, steps)


def _compare_with_diffusers(torch, scheduler, sampler, steps):
    denoise = torch_wavy_denoiser(torch)
    x_T = torch.randn(2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = x_T
    for t in scheduler.timesteps:
        x = scheduler.step(denoise(x, int(t)), t, x).prev_sample
    ours = sampler(denoise, x_T, SCHEDULE, steps=steps)
    np.testing.assert_allclose(ours.numpy(), x.numpy(), atol=2e-4)  # diffusers keeps its schedule in float32


@pytest.mark.parametrize("name", SAMPLERS)
def test_numpy_and_torch_arrays_give_the_same_and_keep_their_type(name):
    torch = pytest.importorskip("torch")
    x_T = np.random.default_rng(2).standard_normal((2, 3, 4)).astype(np.float32)
    ours = SAMPLERS[name](wavy_denoiser, x_T, SCHEDULE, steps=12)
    theirs = SAMPLERS[name](torch_wavy_denoiser(torch), torch.from_numpy(x_T), SCHEDULE, steps=12)
    assert ours.dtype == np.float32
    assert theirs.dtype == torch.float32
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


@pytest.mark.parametrize("std", [0.1, 0.3, 1.0, 3.0, 10.0])
def test_twenty_steps_keep_the_spread_of_small_and_large_things(std):
    """A direction that many joints share varies far more than one feature: both have to come out right."""

    def denoise(x, t):
        signal, noise = SCHEDULE.alpha_bar[t], 1 - SCHEDULE.alpha_bar[t]
        return x * np.sqrt(signal) * std**2 / (signal * std**2 + noise)

    assert dpmpp_2m(denoise, np.ones(1), SCHEDULE, steps=20)[0] / std == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_few_steps_end_with_what_the_network_said_last(name, steps):
    told, said = [], []

    def denoise(x, t):
        said.append(wavy_denoiser(x, t))
        return said[-1]

    x_T = np.ones((2, 3))
    x_0 = SAMPLERS[name](denoise, x_T, SCHEDULE, told.append, steps=steps)
    assert x_0 is said[-1]
    assert [(step.index, step.total) for step in told] == [(i, steps) for i in range(steps)]
    assert [step.t for step in told] == SCHEDULE.timesteps(steps, dense_ends=name == "dpm++")
    assert all(step.x_0 is x for step, x in zip(told, said, strict=True))
    np.testing.assert_array_equal(x_T, 1)  # not written over


@pytest.mark.parametrize("name", SAMPLERS)
def test_on_step_can_cancel(name):
    calls = []

    def on_step(step):
        if step.index == 2:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        SAMPLERS[name](lambda x, t: calls.append(t) or x, np.zeros(3), SCHEDULE, on_step, steps=10)
    assert len(calls) == 3


def test_guidance_extrapolates_from_the_unconditional():
    cond, uncond = np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]])
    pair = np.concatenate([cond, uncond])
    np.testing.assert_array_equal(guided(pair, 1.0), cond)
    np.testing.assert_array_equal(guided(pair, 0.0), uncond)
    np.testing.assert_array_equal(guided(pair, 3.5), 3.5 * cond - 2.5 * uncond)


def test_contrast_acts_between_its_steps_alone():
    x_0 = np.ones((1, 2))
    assert contrasted(x_0, 700, 0.2)[0, 0] == pytest.approx(1.2)
    for t in (399, 991):
        assert contrasted(x_0, t, 0.2) is x_0
    assert contrasted(x_0, 700, 0.0) is x_0
