"""The zip that users install: built, installed by Blender's own tool, and used as a fresh Blender would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

USE = """
import os, sys
import bpy
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
assert "bl_ext.user_default.intermamba" in bpy.context.preferences.addons
import intermamba
assert os.environ["BLENDER_USER_RESOURCES"] in intermamba.__file__, intermamba.__file__
import bl_ext.user_default.intermamba as addon
for engine in sys.argv[2:]:
    result = bpy.ops.intermamba.generate(prompt="Two people dance salsa", frames=48, seed=1, engine=engine)
    assert result == {"FINISHED"}, result
    for person in "AB":
        action = bpy.data.objects["InterMamba " + person].animation_data.action
        assert action.name == "IM_two_people_dance_salsa_1_" + person, action.name
    print("GENERATED", engine)
bpy.ops.preferences.addon_disable(module="bl_ext.user_default.intermamba")
assert not hasattr(bpy.types.Scene, "intermamba")
print("DISABLED")
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    if sys.version_info[:2] != (3, 11) or sys.platform != "linux":
        pytest.skip("the zip for linux_x64 and Python 3.11 is tested where it runs")
    out = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        ROOT / "build_addon.py",
        "--platform",
        "linux_x64",
        "--python",
        "311",
        "--out",
        out,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "validated" in done.stdout
    assert "not validated" not in done.stdout
    (path,) = out.glob("*.zip")
    return path


def test_the_zip_installs_and_generates(built, tmp_path):
    # A Python without this repository: what the zip brings has to be enough.
    engines = ["FAKE", "AUTO"] if (ROOT / "intermamba/bundles/duet-mini/config.json").is_file() else ["FAKE"]
    script = tmp_path / "use.py"
    script.write_text(USE)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env["BLENDER_USER_RESOURCES"] = str(tmp_path / "resources")
    done = subprocess.run(
        [sys.executable, "-I", script, built, *engines],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("GENERATED") == len(engines)
    assert "DISABLED" in done.stdout
