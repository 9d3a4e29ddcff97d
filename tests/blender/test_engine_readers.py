"""Exported files as three.js reads them, and what Khronos' validator says of the GLB.

Skipped unless node is there and tools/engine_readers has its packages, or INTERMAMBA_NODE names a folder that has:
`npm install --prefix tools/engine_readers`.
"""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_addon.export import export_people
from blender_addon.export_presets import OPTIONS
from blender_addon.placing import place_motion
from intermamba.motion.skeleton import JOINT_NAMES

READERS = Path(__file__).parents[2] / "tools/engine_readers"
NODE = Path(os.environ.get("INTERMAMBA_NODE", READERS))
FRAMES = (0, 1, 16, 39)

pytestmark = pytest.mark.skipif(
    not shutil.which("node") or not (NODE / "node_modules/three").is_dir(),
    reason="needs node and its packages",
)


def read(path):
    frames = ",".join(map(str, FRAMES))
    command = ["node", READERS / "read.mjs", path, frames, "30", NODE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def joints_in(found, owner):
    """Joints (T,22,3) of the armature `owner`; three.js has _ for spaces in names, and _1 after one that is there."""
    owner, bones = owner.replace(" ", "_"), found["bones"]
    names = [f"{owner}/{joint}" for joint in JOINT_NAMES]
    return np.stack([bones[name if name in bones else f"{name}_1"] for name in names], axis=1)


@pytest.fixture
def files(scene, motion, tmp_path):
    place_motion(bpy.context, motion, (None, None), 1)

    def export(preset, **changes):
        options = replace(OPTIONS[preset], **changes)
        return {p.suffix: p for p in export_people(bpy.context, str(tmp_path / "duet"), options)}

    return export


def test_three_reads_the_fbx(files, motion):
    found = read(files("GENERIC", formats=frozenset({"FBX"}))[".fbx"])  # person B's
    (clip,) = found["clips"]
    assert clip["seconds"] == pytest.approx(39 / 30, abs=1e-4)
    off = np.abs(joints_in(found, "InterMamba B") - motion.joints[1, list(FRAMES)]).max()
    print("FBX, metres:", off)
    assert off < 1e-3


def test_three_reads_unreals_fbx_in_centimetres(files, motion):
    found = read(files("UNREAL", origin="SCENE")[".fbx"])
    off = np.abs(joints_in(found, "Armature") / 100 - motion.joints[1, list(FRAMES)]).max()
    print("FBX, centimetres:", off)
    assert off < 1e-3


def test_three_reads_the_glb_and_the_validator_no_error(files, motion):
    found = read(files("GODOT", origin="SCENE")[".glb"])
    assert [clip["name"] for clip in found["clips"]] == ["duet"]
    assert found["clips"][0]["seconds"] == pytest.approx(39 / 30, abs=1e-4)
    for person in range(2):
        off = np.abs(
            joints_in(found, f"InterMamba {'AB'[person]}") - motion.joints[person, list(FRAMES)]
        ).max()
        print("GLB:", off, found["validator"])
        assert off < 1e-3
    assert found["validator"]["errors"] == 0
    # Blender puts bodies below their armatures, whose transforms are none.
    assert set(found["validator"]["warnings"]) <= {"NODE_SKINNED_MESH_NON_ROOT"}
