"""The way from a request to a motion, with the fake engine and with a tiny network in both real ones."""

import builtins
import sys
from dataclasses import replace

import numpy as np
import pytest

from intermamba.bundles.bundle import load_bundle
from intermamba.engines import base
from intermamba.engines.base import Request, load_engine, noise
from intermamba.engines.fake import FakeEngine, march
from intermamba.errors import BundleError, Cancelled, IntermambaError
from intermamba.model.ways import way_codes
from intermamba.motion.kinematics import fk
from intermamba.motion.metrics import bone_length_cv
from intermamba.text.anchors import Anchors
from intermamba.text.nearest import KnownPhrasings, sentence_embedding

HUG = Request(prompt="Two people hug.", frames=30, seed=7)


def test_noise_depends_on_the_seed_alone():
    assert noise(3, 20).shape == (1, 2, 20, 262)
    assert noise(3, 20).dtype == np.float32
    np.testing.assert_array_equal(noise(3, 20), noise(3, 20))
    assert np.abs(noise(3, 20) - noise(4, 20)).max() > 1
    first = [2.41715, 0.142763, -0.512687]  # the same on every machine, or a seed means nothing
    np.testing.assert_allclose(noise(3, 20)[0, 0, 0, :3], first, atol=1e-6)


def test_fake_engine_marches():
    motion = FakeEngine().sample(HUG)
    joints, _ = march(31, float(FakeEngine().encode(HUG.prompt)[0, 0]))
    assert np.abs(motion.joints - joints[:, :30]).max() < 0.15  # hands that nearly meet are brought together
    assert bone_length_cv(motion.joints) < 1e-4
    assert motion.settings == {"steps": 10, "guidance": 1.0, "sampler": "dpm++", "engine": "fake"}
    assert (motion.prompt, motion.seed, motion.fps, motion.model) == (HUG.prompt, 7, 30.0, "fake 0")


def test_marching_people_stand_on_the_floor_and_face_each_other():
    joints, rotations = march(60)
    assert (joints.shape, rotations.shape) == ((2, 60, 22, 3), (2, 60, 22, 4))
    assert 0 < joints[..., 1].min() < 0.03
    np.testing.assert_allclose(joints[1, :, 0, 2] - joints[0, :, 0, 2], 0.9)
    assert (joints[0, :, 20, 2] > 0.3).all()
    assert (joints[1, :, 20, 2] < 0.6).all()


def test_on_step_hears_every_step_and_can_cancel():
    heard = []

    def on_step(step):
        heard.append((step.index, step.total, step.x_0.shape))
        if step.index == 3:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        FakeEngine().sample(HUG, on_step)
    assert heard == [(i, 10, (1, 2, 30, 262)) for i in range(4)]


def test_a_prompt_that_is_not_known_is_told_before_the_first_step():
    heard = []
    request = Request(prompt="Two people swim.", frames=16, steps=2)
    motion = FakeEngine().sample(request, lambda step: heard.append(step.index), heard.append)
    assert "swim" in heard[0]
    assert heard[1:] == [0, 1]
    assert motion.settings["warning"] == heard[0]


def test_a_prompt_is_said_with_the_captions_that_the_bundle_was_trained_on(tiny_bundle):
    engine = load_engine(tiny_bundle, "cpu")
    (wave,) = engine.encode("Two people wave.")
    engine.bundle = replace(engine.bundle, anchors=Anchors(np.stack([wave, wave - 1])))
    assert np.abs(engine.encode("Two people wave.") - wave).max() < np.abs(wave).max() / 100


def test_seeds_in_a_row_ask_for_the_ways_in_turn(tiny_bundle):
    engine = load_engine(tiny_bundle, "cpu")
    plain = np.ones((1, 32), np.float32)
    assert engine.in_way(plain, 3) is plain  # a bundle without ways
    config = engine.bundle.config
    engine.bundle = replace(engine.bundle, config=config | {"model": config["model"] | {"ways": 3}})
    ways = [engine.in_way(plain, seed) for seed in range(4)]
    assert np.array_equal(ways[3], ways[0])
    assert not np.allclose(ways[1], ways[0])
    np.testing.assert_allclose(ways[1] - plain, way_codes(3, 32)[1:2], atol=1e-6)


def test_a_motion_says_which_contacts_its_prompt_asks_for(tiny_bundle):
    engine = load_engine(tiny_bundle, "cpu")
    shake, wave = (engine.encode(prompt)[0] for prompt in ("Two people shake hands.", "Two people wave."))
    anchors = Anchors(np.stack([shake, wave]), ("hand on hand",), np.array([[True], [False]]))
    engine.bundle = replace(engine.bundle, anchors=anchors)
    shaking, waving = (
        engine.sample(Request(prompt=prompt, frames=16, steps=2))
        for prompt in ("Two people shake hands.", "Two people wave.")
    )
    assert shaking.settings["touches"] == ["hand on hand"]
    assert "touches" not in waving.settings


@pytest.mark.parametrize(
    ("prompt", "touches"),
    [
        ("Two people shake hands.", ["hand on hand"]),
        ("A man pats his friend on the shoulder.", ["hand on shoulder"]),
        ("Two people wave hello to each other.", []),
        ("Two people walk past each other.", []),
    ],
)
def test_the_bundled_model_knows_which_contacts_prompts_ask_for(prompt, touches):
    pytest.importorskip("onnxruntime")
    assert load_engine(None, "cpu").touches(prompt) == touches


def test_the_bundle_tells_what_it_knows(tiny_bundle):
    engine = load_engine(tiny_bundle, "cpu")
    assert engine.warning("Two people swim.") == ""  # a bundle without known phrasings never warns
    wave, swim = (
        sentence_embedding(*engine.text.encode([p])) for p in ("Two people wave.", "Swim in a lake")
    )
    known = KnownPhrasings(wave, np.zeros(1, int), swim, ["Two people wave."], threshold=0.5)
    engine.bundle = replace(engine.bundle, known=known)
    assert engine.warning("Two people wave to each other.") == ""
    assert 'nearest: "Two people wave"' in engine.warning("Two people swim in the lake.")
    both = engine.warning("Two people swim in the lake. " * 20)
    assert both.startswith("The prompt is too long, and is not read from")
    assert 'nearest: "Two people wave"' in both


def test_guidance_calls_the_network_once_a_step_and_skips_what_it_does_not_need():
    class Counting(FakeEngine):
        def denoise(self, x, t, cond):
            batches.append(len(x))
            conds.append(cond.ravel().tolist())
            return super().denoise(x, t, cond)

    batches, conds = [], []
    engine = Counting()
    engine.sample(Request(prompt="Hug.", frames=16, steps=3, guidance=1.0))
    engine.sample(Request(prompt="Hug.", frames=16, steps=3, guidance=3.5))
    assert batches == [1, 1, 1, 2, 2, 2]
    assert conds[0] != [0.0]
    assert conds[-1] == [conds[0][0], 0.0]


def test_a_bundle_may_have_guidance_in_the_noisiest_steps_alone():
    class Counting(FakeEngine):
        def denoise(self, x, t, cond):
            calls.append((t, len(x)))
            return super().denoise(x, t, cond)

    calls = []
    engine = Counting()
    engine.bundle = replace(engine.bundle, config=engine.bundle.config | {"guided_from": 700})
    engine.sample(Request(prompt="Hug.", frames=16, steps=6, guidance=3.5))
    assert {batch for t, batch in calls if t >= 700} == {2}
    assert {batch for t, batch in calls if t < 700} == {1}


def test_onnx_and_torch_give_the_same_joints(tiny_bundle):
    onnx, torch = load_engine(tiny_bundle, "cpu"), load_engine(tiny_bundle, "torch")
    motions = [engine.sample(HUG) for engine in (onnx, torch)]
    assert [motion.settings["engine"] for motion in motions] == ["onnx", "torch-cpu"]
    np.testing.assert_allclose(motions[0].joints, motions[1].joints, atol=1e-3)
    np.testing.assert_allclose(motions[0].contacts, motions[1].contacts, atol=1e-3)


@pytest.mark.parametrize("frames", [16, 33, 64])
@pytest.mark.parametrize("batch", [1, 2])
def test_onnx_and_torch_agree_at_any_length_and_batch(tiny_bundle, frames, batch):
    engines = load_engine(tiny_bundle, "cpu"), load_engine(tiny_bundle, "torch")
    x = noise(0, frames).repeat(batch, axis=0)
    tokens, mask = engines[0].text.encode(["Two people hug.", "They dance salsa with many turns."][:batch])
    conds = [engine.condition(tokens, mask) for engine in engines]
    np.testing.assert_allclose(*conds, atol=1e-4)
    np.testing.assert_allclose(*(engine.denoise(x, 400, conds[0]) for engine in engines), atol=1e-3)


def test_onnx_motion_says_what_made_it_and_repeats(tiny_bundle):
    engine = load_engine(tiny_bundle, "cpu")
    motion, again, other = (
        engine.sample(r) for r in (HUG, HUG, Request(prompt=HUG.prompt, frames=30, seed=8))
    )
    assert motion.joints.shape == (2, 30, 22, 3)
    assert motion.contacts.shape == (2, 30, 4)
    assert (motion.prompt, motion.seed, motion.model, motion.fps) == (HUG.prompt, 7, "tiny 0.1", 30.0)
    assert motion.settings == {"steps": 6, "guidance": 2.5, "sampler": "dpm++", "engine": "onnx"}
    np.testing.assert_array_equal(motion.joints, again.joints)
    assert np.abs(motion.joints - other.joints).max() > 1e-3
    np.testing.assert_allclose(
        fk(motion.rotations, motion.root, motion.rest[:, None]), motion.joints, atol=1e-4
    )


def test_prompt_matters(tiny_bundle):
    engine = load_engine(tiny_bundle, "cpu")
    hug, box = (engine.encode(prompt) for prompt in ("They hug.", "They box."))
    assert np.abs(hug - box).max() > 1e-2


def test_a_graph_that_onnxruntime_cannot_read_is_a_bundle_error(tiny_bundle, tmp_path):
    from intermamba.engines.onnx_engine import OnnxEngine

    bundle = load_bundle(tiny_bundle)
    (tmp_path / "denoiser.onnx").write_bytes(b"not a graph")
    moved = OnnxEngine(type(bundle)(tmp_path, bundle.config, bundle.mean, bundle.std, bundle.rest, []))
    with pytest.raises(BundleError, match=r"denoiser\.onnx cannot be loaded"):
        moved.denoise(noise(0, 16), 0, np.zeros((1, 32), np.float32))


def test_unknown_devices_and_missing_gpus_are_named(tiny_bundle, monkeypatch):
    with pytest.raises(IntermambaError, match="auto, cpu, cuda, mps, torch as the device; tpu was given"):
        load_engine(tiny_bundle, "tpu")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(IntermambaError, match="No CUDA GPU"):
        load_engine(tiny_bundle, "cuda")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(IntermambaError, match="No Apple GPU"):
        load_engine(tiny_bundle, "mps")
    monkeypatch.setattr(base, "_cuda_is_likely", lambda: True)
    assert load_engine(tiny_bundle, "auto").name == "onnx"


@pytest.mark.parametrize(
    ("package", "device", "command"),
    [
        ("onnxruntime", "cpu", "pip install onnxruntime"),
        ("torch", "torch", r"pip install 'intermamba\[torch\]'"),
    ],
)
def test_missing_packages_are_named_with_the_command(tiny_bundle, monkeypatch, package, device, command):
    bundle = load_bundle(tiny_bundle)
    real_import = builtins.__import__

    def without_package(name, *args, **kwargs):
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "intermamba.engines.torch_engine", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_package)
    with pytest.raises(IntermambaError, match=command):
        load_engine(bundle, device).denoise(noise(0, 16), 0, np.zeros((1, 32), np.float32))


def test_a_missing_bundle_is_named():
    with pytest.raises(BundleError, match="no model 'nowhere'"):
        load_engine("nowhere")
