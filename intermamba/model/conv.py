"""The causal depthwise convolution in front of every state space model, with its SiLU, in three of the scan's forms.

Shapes: B batch, E channels, L sequence, K taps.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .scan import Form, best_form


def causal_conv(x_BEL: Tensor, weight_EK: Tensor, bias_E: Tensor, form: Form = "auto") -> Tensor:
    """Give silu(y), y_l = bias + sum_k weight_k x_{l-K+1+k}, (B,E,L) in float32. x may be a view of any strides."""
    x_BEL, weight_EK, bias_E = x_BEL.float(), weight_EK.float(), bias_E.float()
    form = best_form(x_BEL.device, "causal_conv1d") if form == "auto" else form
    if form == "numba":
        return _cpu_conv(x_BEL, weight_EK, bias_E)
    if form == "cuda":
        return _cuda_conv(x_BEL, weight_EK, bias_E)
    taps = weight_EK.shape[1]
    y_BEL = F.conv1d(F.pad(x_BEL, (taps - 1, 0)), weight_EK[:, None], bias_E, groups=len(bias_E))
    return F.silu(y_BEL)


def _cuda_conv(x_BEL: Tensor, weight_EK: Tensor, bias_E: Tensor) -> Tensor:
    from causal_conv1d import causal_conv1d_fn  # pyright: ignore[reportMissingImports]

    return causal_conv1d_fn(x_BEL.contiguous(), weight_EK.contiguous(), bias_E, activation="silu")


@torch.library.custom_op("intermamba::causal_conv", mutates_args=())
def _cpu_conv(x_BEL: Tensor, weight_EK: Tensor, bias_E: Tensor) -> Tensor:
    """The numba form. As an operator of its own it also stays one node when the network is exported."""
    from . import kernels

    y_BEL = torch.empty_like(x_BEL)
    kernels.run(kernels.conv(), x_BEL, weight_EK.contiguous(), bias_E.contiguous(), y_BEL)
    return y_BEL


def _setup(ctx, inputs, output) -> None:  # noqa: ANN001
    ctx.save_for_backward(*inputs)


def _backward(ctx, dy_BEL: Tensor) -> tuple[Tensor, ...]:  # noqa: ANN001
    from . import kernels

    x_BEL, weight_EK, bias_E = ctx.saved_tensors
    dx_BEL = torch.empty_like(x_BEL)
    dweight_BEK, dbias_BE = x_BEL.new_empty(len(x_BEL), *weight_EK.shape), x_BEL.new_empty(x_BEL.shape[:2])
    inputs = (x_BEL, weight_EK.contiguous(), bias_E.contiguous(), dy_BEL)
    kernels.run(kernels.conv_gradient(), *inputs, dx_BEL, dweight_BEK, dbias_BE)
    return dx_BEL, dweight_BEK.sum(0), dbias_BE.sum(0)


_cpu_conv.register_fake(lambda x_BEL, *_: torch.empty_like(x_BEL))
_cpu_conv.register_autograd(_backward, setup_context=_setup)
