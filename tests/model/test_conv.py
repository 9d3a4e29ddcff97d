import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from intermamba.model.conv import causal_conv

SHAPES = [(1, 1, 1, 4), (2, 3, 2, 4), (3, 5, 33, 4), (2, 4, 20, 2)]
CUDA = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"), id="cuda"
)
FORMS = ["reference", "numba", CUDA]


def inputs(shape, strided=False):
    """x, weight and bias; strided: x is a transposed view."""
    batch, channels, length, taps = shape
    random = torch.Generator().manual_seed(0)
    x = torch.randn(batch, length, channels, generator=random).transpose(1, 2)
    weight, bias = torch.randn(channels, taps, generator=random), torch.randn(channels, generator=random)
    return [x if strided else x.contiguous(), weight, bias]


def slow_conv(x, weight, bias):
    """Every number by itself, in float64."""
    x, weight, bias = (a.double().numpy() for a in (x, weight, bias))
    y = np.zeros_like(x)
    for b, e, t in np.ndindex(x.shape):
        taps = weight.shape[1]
        past = [x[b, e, t - k] if t >= k else 0 for k in range(taps)]
        y[b, e, t] = bias[e] + sum(weight[e, taps - 1 - k] * past[k] for k in range(taps))
    return y / (1 + np.exp(-y))


def run(form, arrays):
    if form == "numba":
        pytest.importorskip("numba")
    if form == "cuda":
        pytest.importorskip("causal_conv1d")
        return causal_conv(*(x.cuda() for x in arrays), form=form).cpu()
    return causal_conv(*arrays, form=form)


def gradients(form, arrays):
    arrays = [x.detach().requires_grad_() for x in arrays]
    y = run(form, arrays)
    weight = torch.linspace(-1, 1, y.numel()).reshape(y.shape)
    return torch.autograd.grad((y * weight).sum(), arrays)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("strided", [False, True], ids=["packed", "strided"])
def test_every_form_sees_the_present_and_the_past(form, shape, strided):
    arrays = inputs(shape, strided)
    np.testing.assert_allclose(run(form, arrays), slow_conv(*arrays), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("strided", [False, True], ids=["packed", "strided"])
def test_gradients_are_those_of_the_reference(form, shape, strided):
    arrays = inputs(shape, strided)
    for ours, expected in zip(gradients(form, arrays), gradients("reference", arrays), strict=True):
        scale = float(expected.abs().max())
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize("form", ["reference", "numba"])
def test_large_values_saturate(form):
    x = torch.tensor([[[-300.0, -50.0, 50.0, 300.0]]])
    y = run(form, [x, torch.tensor([[0.0, 1.0]]), torch.zeros(1)])
    torch.testing.assert_close(y, torch.tensor([[[0.0, 0.0, 50.0, 300.0]]]))
