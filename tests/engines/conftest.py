import json
import shutil

import numpy as np
import pytest

from intermamba.bundles import bundle as bundles
from intermamba.engines.fake import march
from intermamba.motion.features import encode
from intermamba.motion.skeleton import DEFAULT_REST


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory):
    """The folder of a bundle with a tiny random network that says people near the marching pair."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    from intermamba.model.config import ModelConfig
    from intermamba.model.network import InterMamba
    from intermamba.model.onnx import export_onnx

    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    torch.manual_seed(0)
    config = ModelConfig(
        width=32,
        blocks=1,
        state=4,
        max_frames=64,
        condition_width=32,
        text_layers=1,
        text_heads=2,
        text_ff=32,
    )
    network = InterMamba(config).eval()
    torch.nn.init.normal_(network.out_proj.weight, std=0.2)  # zero at the start of training
    export_onnx(network, folder)
    for name in ("text.onnx", "tokenizer.json"):
        shutil.copy(bundles.bundled_folder() / name, folder)
    features = encode(*march(65)).reshape(-1, 262)
    bundles.write_stats(folder, features.mean(0), np.full(262, 0.05), DEFAULT_REST)
    (folder / "prompts.json").write_text(json.dumps([{"prompt": "Two people wave.", "seconds": 2}]))
    bundles.write_config(
        folder,
        {
            "name": "tiny",
            "version": "0.1",
            "model": config.to_json(),
            "fps": 30,
            "max_frames": config.max_frames,
            "defaults": {"steps": 6, "guidance": 2.5, "sampler": "dpm++"},
        },
    )
    return folder
