# ruff: noqa: ANN001  # numba finds the types of its kernels in their signatures
"""The selective scan and the causal convolution for CPUs: numba kernels of both passes.

Samples run in parallel, their channels one after the other; the scan has all N states of a step in one vector.
Shapes: B batch, E channels, L sequence, N state, K taps. Arrays named BEL may have any strides.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

# Sums may be reordered and fused, but NaN and infinity keep their meaning.
_MATH = {"reassoc", "contract", "nsz", "arcp"}
_VECTOR, _MATRIX, _PACKED, _STRIDED = "f4[::1]", "f4[:,::1]", "f4[:,:,::1]", "f4[:,:,:]"


def run(kernel: Any, *arrays: Tensor) -> None:
    """Call a kernel on float32 tensors with as many threads as torch uses; it fills its last arguments."""
    numba.set_num_threads(min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    kernel(*(x.detach().numpy() for x in arrays))


def _compile(function: Callable, *kinds: str) -> Any:
    signature = f"void({','.join(kinds)})"
    options: dict[str, Any] = {"parallel": True, "fastmath": _MATH, "nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(signature, cache=True, **options)(function)
    except RuntimeError:  # no folder to keep compiled code in
        return numba.njit(signature, **options)(function)


@numba.njit(inline="always", fastmath=_MATH)
def _exp(x):
    """e^x for x <= 0 to 1e-7 relative, in operations that vectorise: 2^i 2^f with a polynomial for 2^f."""
    t = max(x, np.float32(-87.0)) * np.float32(1.4426950408889634)
    i = np.floor(t + np.float32(0.5))
    f = t - i
    p = np.float32(1.5403530e-4)
    p = p * f + np.float32(1.3333558e-3)
    p = p * f + np.float32(9.6181291e-3)
    p = p * f + np.float32(5.5504109e-2)
    p = p * f + np.float32(2.4022651e-1)
    p = p * f + np.float32(6.9314718e-1)
    p = p * f + np.float32(1.0)
    return p * np.int32((np.int32(i) + np.int32(127)) << np.int32(23)).view(np.float32)


@numba.njit(inline="always", fastmath=_MATH)
def _sigmoid(x):
    small = _exp(-abs(x))
    large = np.float32(1.0) / (np.float32(1.0) + small)
    return large if x >= 0 else np.float32(1.0) - large


@lru_cache
def scan(state: int) -> Any:
    """Give the kernel of (u_BEL, delta_BEL, A_EN, B_BLN, C_BLN, D_E) that fills y_BEL."""

    def selective_scan(u_BEL, delta_BEL, A_EN, B_BLN, C_BLN, D_E, y_BEL):
        batch, channels, length = u_BEL.shape
        for b in numba.prange(batch):
            h = np.empty(state, np.float32)
            for e in range(channels):
                h[:] = 0
                for t in range(length):
                    u, delta = u_BEL[b, e, t], delta_BEL[b, e, t]
                    y = D_E[e] * u
                    for n in range(state):
                        h[n] = _exp(delta * A_EN[e, n]) * h[n] + delta * u * B_BLN[b, t, n]
                        y += C_BLN[b, t, n] * h[n]
                    y_BEL[b, e, t] = y

    return _compile(selective_scan, _STRIDED, _STRIDED, _MATRIX, _PACKED, _PACKED, _VECTOR, _STRIDED)


@lru_cache
def scan_gradient(state: int) -> Any:
    """Give the kernel of (u_BEL, delta_BEL, A_EN, B_BLN, C_BLN, D_E, dy_BEL) that fills du_BEL, ddelta_BEL, dA_BEN.

    dA is one for each sample; dB_BLN and dC_BLN, the last two, are added to. The states are computed again here
    instead of being kept from the forward pass.
    """

    def selective_scan_gradient(
        u_BEL, delta_BEL, A_EN, B_BLN, C_BLN, D_E, dy_BEL, du_BEL, ddelta_BEL, dA_BEN, dB_BLN, dC_BLN
    ):
        batch, channels, length = u_BEL.shape
        for b in numba.prange(batch):
            h_LN = np.zeros((length + 1, state), np.float32)  # h_LN[t + 1] is the state after step t
            decay_LN = np.empty((length, state), np.float32)
            dh, dA = np.empty(state, np.float32), np.empty(state, np.float32)
            for e in range(channels):
                for t in range(length):
                    delta = delta_BEL[b, e, t]
                    delta_u = delta * u_BEL[b, e, t]
                    for n in range(state):
                        decay_LN[t, n] = _exp(delta * A_EN[e, n])
                        h_LN[t + 1, n] = decay_LN[t, n] * h_LN[t, n] + delta_u * B_BLN[b, t, n]
                dh[:] = 0
                dA[:] = 0
                for t in range(length - 1, -1, -1):
                    u, delta, dy = u_BEL[b, e, t], delta_BEL[b, e, t], dy_BEL[b, e, t]
                    dh_B = np.float32(0)
                    dh_A = np.float32(0)
                    for n in range(state):
                        dC_BLN[b, t, n] += dy * h_LN[t + 1, n]
                        g = dh[n] + dy * C_BLN[b, t, n]
                        dB_BLN[b, t, n] += g * delta * u
                        dh_B += g * B_BLN[b, t, n]
                        dh[n] = g * decay_LN[t, n]
                        g = dh[n] * h_LN[t, n]
                        dh_A += g * A_EN[e, n]
                        dA[n] += g * delta
                    du_BEL[b, e, t] = dy * D_E[e] + delta * dh_B
                    ddelta_BEL[b, e, t] = u * dh_B + dh_A
                dA_BEN[b, e] = dA

    inputs = (_STRIDED, _STRIDED, _MATRIX, _PACKED, _PACKED, _VECTOR, _STRIDED)
    return _compile(selective_scan_gradient, *inputs, _STRIDED, _STRIDED, _PACKED, _PACKED, _PACKED)


@numba.njit(fastmath=_MATH)
def _convolve(x, weight_K, bias, a):
    """Fill a with the convolution of x, which has the past before the row in its first places."""
    a[:] = bias
    for k in range(len(weight_K)):
        for t in range(len(a)):
            a[t] += weight_K[k] * x[t + k]


@numba.njit(fastmath=_MATH)
def _dot(a, b):
    total = np.float32(0)
    for t in range(len(a)):
        total += a[t] * b[t]
    return total


@lru_cache
def conv() -> Any:
    """Give the kernel of (x_BEL, weight_EK, bias_E) that fills y_BEL with silu(causal convolution)."""

    def causal_conv(x_BEL, weight_EK, bias_E, y_BEL):
        batch, channels, length = x_BEL.shape
        past = weight_EK.shape[1] - 1
        for b in numba.prange(batch):
            x, a = np.zeros(past + length, np.float32), np.empty(length, np.float32)
            for e in range(channels):
                x[past:] = x_BEL[b, e]
                _convolve(x, weight_EK[e], bias_E[e], a)
                for t in range(length):
                    a[t] *= _sigmoid(a[t])
                y_BEL[b, e] = a

    return _compile(causal_conv, _STRIDED, _MATRIX, _VECTOR, _STRIDED)


@lru_cache
def conv_gradient() -> Any:
    """Give the kernel of (x_BEL, weight_EK, bias_E, dy_BEL) that fills dx_BEL, dweight_BEK and dbias_BE.

    The last two are one for each sample.
    """

    def causal_conv_gradient(x_BEL, weight_EK, bias_E, dy_BEL, dx_BEL, dweight_BEK, dbias_BE):
        batch, channels, length = x_BEL.shape
        past = weight_EK.shape[1] - 1
        for b in numba.prange(batch):
            x, da = np.zeros(past + length, np.float32), np.zeros(length + past, np.float32)
            a = np.empty(length, np.float32)
            for e in range(channels):
                x[past:] = x_BEL[b, e]
                da[:length] = dy_BEL[b, e]
                _convolve(x, weight_EK[e], bias_E[e], a)
                dbias = np.float32(0)
                for t in range(length):
                    s = _sigmoid(a[t])
                    da[t] *= s * (np.float32(1) + a[t] * (np.float32(1) - s))
                    dbias += da[t]
                dbias_BE[b, e] = dbias
                for k in range(past + 1):
                    dweight_BEK[b, e, k] = _dot(da[:length], x[k : k + length])
                _convolve(da, weight_EK[e, ::-1], np.float32(0), a)
                dx_BEL[b, e] = a

    return _compile(causal_conv_gradient, _STRIDED, _MATRIX, _VECTOR, _STRIDED, _STRIDED, _PACKED, _MATRIX)
