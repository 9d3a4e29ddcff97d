import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from intermamba.model.scan import best_form, selective_scan

SHAPES = [(1, 1, 1, 16), (2, 3, 7, 1), (3, 5, 33, 16), (2, 17, 64, 5)]
CUDA = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"), id="cuda"
)
FORMS = ["reference", "parallel", "numba", CUDA]


def inputs(shape, strided=False, seed=0):
    """u, delta, A, B, C, D; strided: as the transposed views that a temporal branch has."""
    batch, channels, length, state = shape
    random = torch.Generator().manual_seed(seed)

    def normal(*sizes):
        return torch.randn(*sizes, generator=random)

    def sequence(rows):
        return normal(batch, length, rows).transpose(1, 2) if strided else normal(batch, rows, length)

    u, delta = sequence(channels), torch.nn.functional.softplus(sequence(channels) - 2)
    A = -torch.exp(normal(channels, state))
    return [u, delta, A, sequence(state), sequence(state), normal(channels)]


def slow_scan(u, delta, A, B, C, D):
    """Every number by itself, in float64."""
    u, delta, A, B, C, D = (x.double().numpy() for x in (u, delta, A, B, C, D))
    y = np.zeros_like(u)
    for b, e in np.ndindex(u.shape[:2]):
        h = np.zeros(A.shape[1])
        for t in range(u.shape[2]):
            for n in range(A.shape[1]):
                h[n] = np.exp(delta[b, e, t] * A[e, n]) * h[n] + delta[b, e, t] * B[b, n, t] * u[b, e, t]
                y[b, e, t] += C[b, n, t] * h[n]
            y[b, e, t] += D[e] * u[b, e, t]
    return y


def run(form, arrays):
    if form == "numba":
        pytest.importorskip("numba")
    if form == "cuda":
        pytest.importorskip("mamba_ssm")
        return selective_scan(*(x.cuda() for x in arrays), form=form).cpu()
    return selective_scan(*arrays, form=form)


def gradients(form, arrays):
    arrays = [x.detach().requires_grad_() for x in arrays]
    y = run(form, arrays)
    weight = torch.linspace(-1, 1, y.numel()).reshape(y.shape)
    return torch.autograd.grad((y * weight).sum(), arrays)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("strided", [False, True], ids=["packed", "strided"])
def test_every_form_is_the_recurrence(form, shape, strided):
    arrays = inputs(shape, strided)
    np.testing.assert_allclose(run(form, arrays), slow_scan(*arrays), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("form", ["numba", CUDA])
@pytest.mark.parametrize("strided", [False, True], ids=["packed", "strided"])
def test_gradients_are_those_of_the_reference(form, shape, strided):
    arrays = inputs(shape, strided)
    for ours, expected in zip(gradients(form, arrays), gradients("reference", arrays), strict=True):
        scale = float(expected.abs().max())
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize("form", ["reference", "numba"])
def test_extreme_steps(form):
    u, delta, A, B, C, D = inputs((1, 2, 6, 3))
    still, wild = torch.zeros_like(delta), torch.full_like(delta, 1e4)
    y = run(form, [u, still, A, B, C, D])
    torch.testing.assert_close(y, D[:, None] * u)  # no time passes: nothing enters the state
    y = run(form, [u, wild, A, B, C, D])  # everything is forgotten at each step
    torch.testing.assert_close(
        y, D[:, None] * u + 1e4 * u * (B * C).sum(1, keepdim=True), rtol=1e-4, atol=1e-2
    )


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_gpus_without_a_kernel_sample_by_the_parallel_form(device):
    assert best_form(torch.device(device), "no_such_package") == "reference"  # training
    with torch.inference_mode():
        assert best_form(torch.device(device), "no_such_package") == "parallel"


def test_numba_does_not_hide_a_nan():
    arrays = inputs((1, 2, 6, 3))
    arrays[1][0, 1, 2] = float("nan")
    y = run("numba", arrays)
    assert y[0, 0].isfinite().all()
    assert y[0, 1, :2].isfinite().all()
    assert y[0, 1, 2:].isnan().all()


def test_half_precision_is_computed_in_single():
    arrays = inputs((1, 2, 6, 3))
    y = selective_scan(*(x.bfloat16() for x in arrays))
    assert y.dtype == torch.float32
    np.testing.assert_allclose(y, slow_scan(*(x.bfloat16() for x in arrays)), rtol=1e-4, atol=1e-4)


def test_samples_and_channels_do_not_touch_each_other():
    u, delta, A, B, C, D = inputs((3, 4, 9, 2))
    whole = selective_scan(u, delta, A, B, C, D)
    part = selective_scan(u[1:2, 2:3], delta[1:2, 2:3], A[2:3], B[1:2], C[1:2], D[2:3])
    torch.testing.assert_close(whole[1:2, 2:3], part)
