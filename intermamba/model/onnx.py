"""The network as two ONNX graphs whose weights stay in the bundle's safetensors file.

A safetensors file is a length, a JSON header and the raw tensors one after the other, so an initialiser can name it
as its external data. The weights are stored once, as float16, and cast to float32 when a session is made.
Shapes as in network.py, ssm.py (E channels, L sequence, N state) and conv.py (K taps).
"""

import json
import struct
from pathlib import Path
from typing import Any

import onnx_ir as ir
import torch
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from onnxscript import FLOAT, graph, opset18, script
from onnxscript.optimizer import optimize
from onnxscript.values import Opset
from torch import Tensor, nn
from torch.export import Dim

from ..files import atomic_write
from .denoiser import Denoiser
from .weights import load_model, save_weights

WEIGHTS = "weights.safetensors"
_ROOM = Opset("intermamba", 1)
op: Any = opset18


def export_onnx(model: Denoiser, folder: str | Path) -> None:
    """Write weights.safetensors, condition.onnx and denoiser.onnx into a folder.

    condition.onnx: tokens (batch, words, K) float32, mask (batch, words) bool -> cond (batch, C).
    denoiser.onnx: x (batch, 2, frames, F) float32, t (batch) int64, cond (batch, C) -> x_0 (batch, 2, frames, F).
    """
    folder = Path(folder)
    save_weights(model, folder / WEIGHTS)
    model = load_model(model.config, folder / WEIGHTS)
    config = model.config
    inputs = {
        "tokens": (torch.zeros(2, 9, config.text_width), {0: "batch", 1: "words"}),
        "mask": (torch.ones(2, 9, dtype=torch.bool), {0: "batch", 1: "words"}),
    }
    _export(model.text, "text.", inputs, ("cond", {0: "batch"}), folder / "condition.onnx")
    frames = {0: "batch", 2: "frames"}
    inputs = {
        "x": (torch.zeros(2, 2, config.max_frames // 2, config.features), frames),
        "t": (torch.zeros(2, dtype=torch.int64), {0: "batch"}),
        "cond": (torch.zeros(2, config.condition_width), {0: "batch"}),
    }
    _export(model, "", inputs, ("x_0", frames), folder / "denoiser.onnx")


def _export(
    module: nn.Module,
    prefix: str,
    inputs: dict[str, tuple[Tensor, dict[int, str]]],
    output: tuple[str, dict[int, str]],
    path: Path,
) -> None:
    """Write a module whose weights have `prefix` before their names in the file; axes with a name can vary."""
    examples, axes = zip(*inputs.values(), strict=True)
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # its fused kernel has no ONNX form
    try:
        exported = torch.export.export(
            module, examples, dynamic_shapes=tuple(dict.fromkeys(names, Dim.DYNAMIC) for names in axes)
        )
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
    program = torch.onnx.export(
        exported,
        dynamo=True,
        optimize=False,
        input_names=list(inputs),
        output_names=[output[0]],
        custom_translation_table={
            torch.ops.intermamba.selective_scan.default: _selective_scan,
            torch.ops.intermamba.causal_conv.default: _causal_conv,
            torch.ops.aten.softplus.default: _softplus,
        },
        verbose=False,
    )
    assert program is not None
    model = program.model
    _refer_to_weights(model, prefix, path.parent / WEIGHTS)
    _name_axes([*model.graph.inputs, *model.graph.outputs], [*axes, output[1]])
    with atomic_write(path) as temporary:
        temporary.write_bytes(ir.to_proto(model).SerializeToString())


def _refer_to_weights(model: ir.Model, prefix: str, weights: Path) -> None:
    """Simplify the graph, with every weight a float16 reference into the file and a cast."""
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    graph = model.graph
    values = {name: value for name, value in graph.initializers.items() if prefix + name in header}
    for name, value in values.items():
        del graph.initializers[name]
        value.const_value = None
    graph.inputs.extend(values.values())  # as inputs, they cannot be folded into new constants
    optimize(model, num_iterations=1)
    ClearMetadataAndDocStringPass()(model)
    del graph.inputs[-len(values) :]
    for name, value in values.items():
        half = ir.Value(
            name=f"{name}.half", const_value=_tensor_in_file(header[prefix + name], 8 + length, weights.name)
        )
        graph.register_initializer(half)
        cast = ir.node("Cast", [half], {"to": ir.DataType.FLOAT})
        value.replace_all_uses_with(cast.outputs[0])
        graph.insert_before(graph[0], cast)


def _tensor_in_file(entry: dict[str, Any], data: int, file: str) -> ir.ExternalTensor:
    """Refer to a tensor by its header entry, where `data` is the place of the first tensor."""
    start, end = entry["data_offsets"]
    shape = ir.Shape(entry["shape"])
    return ir.ExternalTensor(file, data + start, end - start, ir.DataType.FLOAT16, shape=shape, name="")


def _name_axes(values: list[ir.Value], axes: list[dict[int, str]]) -> None:
    for value, names in zip(values, axes, strict=True):
        value.shape = ir.Shape([names.get(axis, size) for axis, size in enumerate(value.shape or ())])


@script(_ROOM, default_opset=op)
def _selective_scan(
    u_BEL: FLOAT, delta_BEL: FLOAT, A_EN: FLOAT, B_BNL: FLOAT, C_BNL: FLOAT, D_E: FLOAT
) -> FLOAT:
    A_NE = op.Transpose(A_EN, perm=[1, 0])
    zero = op.ConstantOfShape(op.Concat(op.Shape(u_BEL, start=0, end=1), op.Shape(A_NE), axis=0))

    @graph()
    def step(h_BNE, delta_B1E, delta_u_B1E, B_BN1, C_B1N):  # noqa: ANN001
        h_next_BNE = op.Exp(delta_B1E * A_NE) * h_BNE + B_BN1 * delta_u_B1E
        y_B1E = op.MatMul(C_B1N, h_next_BNE)
        return h_next_BNE, y_B1E

    one = op.Constant(value_ints=[1])
    last = op.Constant(value_ints=[-1])
    _, y_B1EL = op.Scan(
        zero,
        op.Unsqueeze(delta_BEL, one),
        op.Unsqueeze(op.Mul(delta_BEL, u_BEL), one),
        op.Unsqueeze(B_BNL, last),
        op.Unsqueeze(C_BNL, one),
        body=step,
        num_scan_inputs=4,
        scan_input_axes=[3, 3, 2, 3],
        scan_output_axes=[3],
    )
    return op.Squeeze(y_B1EL, one) + op.Unsqueeze(D_E, last) * u_BEL


def _causal_conv(x_BEL: Any, weight_EK: Any, bias_E: Any) -> Any:
    """A sum over the taps: ONNX's own convolution needs fixed channels, and here they may be the clip's tokens."""
    taps = weight_EK.shape[1]
    past_BEL = op.Pad(x_BEL, op.Constant(value_ints=[0, 0, taps - 1, 0, 0, 0]))
    y_BEL = op.Unsqueeze(bias_E, op.Constant(value_ints=[-1]))
    for k in range(taps):
        here, end = op.Constant(value_ints=[k]), op.Constant(value_ints=[k + 1 - taps or 2**31])
        tap_E1 = op.Slice(weight_EK, here, op.Constant(value_ints=[k + 1]), op.Constant(value_ints=[1]))
        y_BEL = y_BEL + tap_E1 * op.Slice(past_BEL, here, end, op.Constant(value_ints=[2]))
    return y_BEL * op.Sigmoid(y_BEL)


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """max(x, 0) + log(1 + e), e = exp(-|x|), which onnxruntime vectorises, unlike its own Softplus.

    (e - (s - 1)) / s puts back what the rounding of s = 1 + e lost.
    """
    one = op.Constant(value_float=1.0)
    e = op.Exp(op.Neg(op.Abs(x)))
    s = e + one
    return op.Relu(x) + (op.Log(s) + (e - (s - one)) / s)
