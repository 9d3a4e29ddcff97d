"""The selective scan of Mamba (equations 4 and 5) in four forms behind one function.

Shapes: B batch, E channels, L sequence, N state.
"""

import importlib.util
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

Form = Literal["auto", "reference", "parallel", "numba", "cuda"]


def selective_scan(
    u_BEL: Tensor,
    delta_BEL: Tensor,
    A_EN: Tensor,
    B_BNL: Tensor,
    C_BNL: Tensor,
    D_E: Tensor,
    form: Form = "auto",
) -> Tensor:
    """Run h_l = exp(delta_l A) h_{l-1} + delta_l B_l u_l, y_l = C_l h_l + D u_l and give y_BEL in float32.

    `u` and `delta` may be views of any strides: nothing is copied to bring the sequence last. A must be negative.
    Equation 5 writes B-bar by the zero-order hold; like Mamba's own code this takes its first order, delta B.
    """
    tensors = [x.float() for x in (u_BEL, delta_BEL, A_EN, B_BNL, C_BNL, D_E)]
    form = best_form(u_BEL.device, "mamba_ssm") if form == "auto" else form
    if form == "numba":
        return _cpu_scan(*tensors)
    if form == "cuda":
        return _cuda_scan(*tensors)
    if form == "parallel":
        return _parallel(*tensors)
    return _reference(*tensors)


def best_form(device: torch.device, cuda_package: str) -> Form:
    """Give the fastest form on a device: numba's on CPUs, that of `cuda_package` on CUDA, where they are installed.

    Any GPU samples well by the parallel form, which takes too much memory to train with.
    """
    if device.type in ("cpu", "meta") and _installed("numba"):
        return "numba"
    if device.type == "cuda" and _installed(cuda_package):
        return "cuda"
    return "reference" if device.type == "cpu" or torch.is_grad_enabled() else "parallel"


@lru_cache
def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _reference(
    u_BEL: Tensor, delta_BEL: Tensor, A_EN: Tensor, B_BNL: Tensor, C_BNL: Tensor, D_E: Tensor
) -> Tensor:
    """The recurrence as it is written, one step at a time; the other forms are held to it."""
    h_BEN = u_BEL.new_zeros(*u_BEL.shape[:2], A_EN.shape[1])
    y = []
    for u_BE, delta_BE, B_BN, C_BN in zip(
        u_BEL.unbind(2), delta_BEL.unbind(2), B_BNL.unbind(2), C_BNL.unbind(2), strict=True
    ):
        decay_BEN = torch.exp(delta_BE[:, :, None] * A_EN)
        h_BEN = decay_BEN * h_BEN + (delta_BE * u_BE)[:, :, None] * B_BN[:, None, :]
        y.append((h_BEN * C_BN[:, None, :]).sum(-1) + D_E * u_BE)
    return torch.stack(y, 2)


def _parallel(
    u_BEL: Tensor, delta_BEL: Tensor, A_EN: Tensor, B_BNL: Tensor, C_BNL: Tensor, D_E: Tensor
) -> Tensor:
    """The recurrence in log2 L rounds of large operations instead of L small steps (Hillis and Steele 1986).

    Before a round each h_l has what the last `reach` steps add to it, after it what twice as many do.
    """
    decay_BELN = torch.exp(delta_BEL[..., None] * A_EN[:, None])
    h_BELN = (delta_BEL * u_BEL)[..., None] * B_BNL.transpose(1, 2)[:, None]
    reach = 1
    while reach < u_BEL.shape[2]:
        later, earlier = decay_BELN[:, :, reach:], slice(0, -reach)
        h_BELN = torch.cat([h_BELN[:, :, :reach], h_BELN[:, :, reach:] + later * h_BELN[:, :, earlier]], 2)
        decay_BELN = torch.cat([decay_BELN[:, :, :reach], later * decay_BELN[:, :, earlier]], 2)
        reach *= 2
    return (h_BELN * C_BNL.transpose(1, 2)[:, None]).sum(-1) + D_E[:, None] * u_BEL


def _cuda_scan(
    u_BEL: Tensor, delta_BEL: Tensor, A_EN: Tensor, B_BNL: Tensor, C_BNL: Tensor, D_E: Tensor
) -> Tensor:
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn  # pyright: ignore[reportMissingImports]

    u, delta, B, C = (x.contiguous() for x in (u_BEL, delta_BEL, B_BNL, C_BNL))
    return selective_scan_fn(u, delta, A_EN.contiguous(), B, C, D_E)


@torch.library.custom_op("intermamba::selective_scan", mutates_args=())
def _cpu_scan(
    u_BEL: Tensor, delta_BEL: Tensor, A_EN: Tensor, B_BNL: Tensor, C_BNL: Tensor, D_E: Tensor
) -> Tensor:
    """The numba form. As an operator of its own it also stays one node when the network is exported."""
    from . import kernels

    B_BLN, C_BLN = _packed(B_BNL), _packed(C_BNL)
    y_BEL = torch.empty_like(u_BEL)
    kernels.run(
        kernels.scan(A_EN.shape[1]),
        u_BEL,
        delta_BEL,
        A_EN.contiguous(),
        B_BLN,
        C_BLN,
        D_E.contiguous(),
        y_BEL,
    )
    return y_BEL


def _packed(x_BNL: Tensor) -> Tensor:
    return x_BNL.transpose(1, 2).contiguous()


def _setup(ctx, inputs, output) -> None:  # noqa: ANN001
    ctx.save_for_backward(*inputs)


def _backward(ctx, dy_BEL: Tensor) -> tuple[Tensor, ...]:  # noqa: ANN001
    from . import kernels

    u_BEL, delta_BEL, A_EN, B_BNL, C_BNL, D_E = ctx.saved_tensors
    B_BLN, C_BLN = _packed(B_BNL), _packed(C_BNL)
    du_BEL, ddelta_BEL = torch.empty_like(u_BEL), torch.empty_like(delta_BEL)
    dA_BEN = A_EN.new_empty(len(u_BEL), *A_EN.shape)
    dB_BLN, dC_BLN = torch.zeros_like(B_BLN), torch.zeros_like(C_BLN)
    inputs = (u_BEL, delta_BEL, A_EN.contiguous(), B_BLN, C_BLN, D_E.contiguous(), dy_BEL)
    kernels.run(kernels.scan_gradient(A_EN.shape[1]), *inputs, du_BEL, ddelta_BEL, dA_BEN, dB_BLN, dC_BLN)
    dD_E = (dy_BEL * u_BEL).sum((0, 2))
    return du_BEL, ddelta_BEL, dA_BEN.sum(0), dB_BLN.transpose(1, 2), dC_BLN.transpose(1, 2), dD_E


_cpu_scan.register_fake(lambda u_BEL, *_: torch.empty_like(u_BEL))
_cpu_scan.register_autograd(_backward, setup_context=_setup)
