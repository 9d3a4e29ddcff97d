"""Make a bundle of a checkpoint: `python -m training.export CHECKPOINT BUNDLE [--version V] [--text FOLDER]`.

BUNDLE is a folder that every engine loads; what is there under the same names is replaced.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from intermamba.bundles.bundle import (
    ANCHORS,
    KNOWN,
    PROMPTS,
    bundled_folder,
    write_anchors,
    write_known,
    write_stats,
)
from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.model.config import ModelConfig
from intermamba.model.denoiser import Denoiser
from intermamba.model.network import make_network
from intermamba.model.onnx import export_onnx
from intermamba.text.anchors import Anchors
from intermamba.text.encoder import GRAPH, TOKENIZER, TextEncoder

from .checkpoint import below, load_checkpoint
from .clip_text import batched
from .compose.captions import fill_template
from .compose.score import Plan, Score, load_scores
from .model_card import write_card
from .prompts import Interaction, calibrate, load_interactions
from .recipe import Release, release_of

TEXT_ENCODERS = {"minilm": "all-MiniLM-L6-v2", "clip": "CLIP ViT-L/14's text tower"}


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--version", default="1", help="version of the model")
    parser.add_argument(
        "--text", type=Path, default=bundled_folder(), help="folder of text.onnx and tokenizer.json"
    )
    options = parser.parse_args(arguments)
    try:
        export(options.checkpoint, options.bundle, options.version, options.text)
    except IntermambaError as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    return 0


def export(checkpoint: Path, folder: Path, version: str, text: Path) -> None:
    """Write the averaged weights of `checkpoint`, their graphs and everything beside them into `folder`."""
    tensors, step, recipe = load_checkpoint(checkpoint)
    _check_text(text, recipe["model"]["text_width"])
    release = release_of(recipe["name"])
    model = make_network(ModelConfig.from_json(recipe["model"])).eval()
    model.load_state_dict(below("ema", tensors))
    stats = {name: tensor.numpy() for name, tensor in below("stats", tensors).items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name in (GRAPH, TOKENIZER):
        if (text / name).resolve() != (folder / name).resolve():
            with atomic_write(folder / name) as temporary:
                shutil.copyfile(text / name, temporary)
    export_onnx(model, folder)
    write_stats(folder, **stats)
    config = _config(release, recipe, version, step)
    config |= write_prompts(folder, load_interactions(release.interactions))
    (folder / ANCHORS).unlink(missing_ok=True)
    if release.interactions:
        write_anchors(folder, anchors_of(model, load_scores(recipe.get("learns", ())), TextEncoder(folder)))
    write_card(folder, config)


def _check_text(folder: Path, width: int) -> None:
    """Raise IntermambaError for a text encoder other than the one that the model was trained with."""
    found = TextEncoder(folder).encode(["a"])[0].shape[-1]
    if found != width:
        raise IntermambaError(
            f"The text encoder in {folder} gives {found} values a word, and the model was trained with {width}: "
            "for a model with CLIP make one with training.clip_bundle, and give its folder as --text."
        )


def write_prompts(folder: Path, interactions: Sequence[Interaction]) -> dict[str, Any]:
    """Write prompts.json and, for warnings, known.npz into a folder with a text encoder; return the config's part."""
    prompts = [asdict(entry) for interaction in interactions for entry in interaction.entries()]
    with atomic_write(folder / PROMPTS) as temporary:
        text = json.dumps(prompts, indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8", newline="\n")
    if not interactions:
        (folder / KNOWN).unlink(missing_ok=True)
        return {}
    known, nearest = calibrate(interactions, TextEncoder(folder))
    write_known(folder, known)
    print(
        f"Warnings: {nearest['accepted']:.1%} of {nearest['unseen']} unseen phrasings are accepted, "
        f"{nearest['caught']:.1%} of {nearest['foreign']} foreign prompts are caught."
    )
    return {"nearest": nearest}


def anchors_of(model: Denoiser, scores: Sequence[Score], text: TextEncoder) -> Anchors:
    """The conditions of the scores' captions, each with one set of names, and the touches that they are of."""
    rng = np.random.default_rng(0)
    plans: dict[str, list[Plan]] = {}
    for plan in (plan for score in scores for plan in score.plans()):
        for template in plan.captions:
            plans.setdefault(template, []).append(plan)
    captions = {fill_template(template, several[-1], rng): several for template, several in plans.items()}
    ordered = sorted(captions, key=len)  # little padding
    with torch.no_grad():
        conditions = [
            model.condition(torch.from_numpy(tokens).float(), torch.from_numpy(mask))
            for tokens, mask in map(text.encode, batched(ordered, 64))
        ]
    asked = [{kind for plan in captions[caption] for kind in plan.touch_kinds()} for caption in ordered]
    touches = sorted(set().union(*asked))
    asks = np.array([[touch in own for touch in touches] for own in asked], bool).reshape(len(asked), -1)
    return Anchors(torch.cat(conditions).numpy(), tuple(touches), asks)


def _config(release: Release, recipe: dict[str, Any], version: str, step: int) -> dict[str, Any]:
    acknowledgements = [source.acknowledgement for source in release.sources] + [release.acknowledgement]
    return {
        "name": recipe["name"],
        "version": version,
        "description": release.description,
        "model": recipe["model"],
        "fps": 30,
        "max_frames": recipe["model"]["max_frames"],
        "text_encoder": f"{TEXT_ENCODERS[recipe.get('text', 'minilm')]}, 8-bit weights",
        "licence": release.licence,
        "acknowledgement": " ".join(filter(None, dict.fromkeys(acknowledgements))),
        "training_data": release.training_data,
        "sources": [asdict(source) for source in release.sources],
        "steps_trained": step,
        "git_commit": _git_commit(),
        "guided_from": release.guided_from,
        "contrast": release.contrast,
        "least_distance": release.least_distance,
        "defaults": {"steps": 20, "guidance": release.guidance, "sampler": "dpm++"},
    }


def _git_commit() -> str:
    """The commit of the code, or an empty text outside a repository and where there is no git."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
