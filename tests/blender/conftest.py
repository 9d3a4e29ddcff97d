"""The add-on in Blender as a Python module; everything here is skipped where bpy is not installed.

Blender 4.2 crashes and 4.5 hangs when a Python that ran its operators ends in the usual way, so the process is ended at
once after the last test.
"""

import os
import shutil
import sys
import tempfile
from importlib import util

import pytest

HAS_BPY = util.find_spec("bpy") is not None
collect_ignore_glob = [] if HAS_BPY else ["test_*.py"]
_status = 0
_resources = None

if HAS_BPY:
    _resources = tempfile.mkdtemp(prefix="blender-")
    os.environ["BLENDER_USER_RESOURCES"] = _resources  # read when bpy is imported


def pytest_sessionfinish(session, exitstatus):
    global _status
    _status = int(exitstatus)


def pytest_unconfigure():
    if not HAS_BPY:
        return
    shutil.rmtree(_resources, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_status)


@pytest.fixture(scope="session")
def addon():
    """The add-on's package, registered."""
    import blender_addon

    blender_addon.register()
    return blender_addon


@pytest.fixture
def scene(addon):
    """An empty scene at 30 frames a second."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30
    addon.session.close()
    addon.session.error = addon.session.note = addon.session.warning = ""
    yield bpy.context.scene
    addon.session.close()


@pytest.fixture(scope="session")
def motion():
    """A short motion of two people of different size."""
    from tests.clips import synthetic_pair

    return synthetic_pair(40)


@pytest.fixture
def rigs(scene):
    """Two generated Rigify rigs."""
    import bpy

    bpy.ops.preferences.addon_enable(module="rigify")
    made = []
    for _ in range(2):
        bpy.ops.object.armature_basic_human_metarig_add()
        metarig = bpy.context.object
        before = set(bpy.data.objects)
        bpy.ops.pose.rigify_generate()
        made.append(next(ob for ob in bpy.data.objects if ob not in before and ob.type == "ARMATURE"))
        bpy.data.objects.remove(metarig)
    return made
