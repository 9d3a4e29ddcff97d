"""Reading joints back out of Blender, and arming scenes for the tests."""

import os
import time

import bpy
import numpy as np

from blender_addon import jobs
from intermamba.motion.skeleton import JOINT_NAMES
from intermamba.retarget.transfer import Z_UP


def joints_of(ob, frames, names=JOINT_NAMES):
    """World positions (T,22,3) of bones' heads at the given frames."""
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        out.append([ob.matrix_world @ ob.pose.bones[name].head for name in names])
    return np.array(out)


def in_blender(joints):
    """A motion's joints in Blender's axes."""
    return joints @ Z_UP.T


def mannequins():
    return [bpy.data.objects["InterMamba A"], bpy.data.objects["InterMamba B"]]


def add_armature(name, bones, location=(0, 0, 0)):
    """An armature of loose bones, {name: head}."""
    armature = bpy.data.armatures.new(name)
    ob = bpy.data.objects.new(name, armature)
    bpy.context.scene.collection.objects.link(ob)
    ob.location = location
    bpy.context.view_layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, head in bones.items():
        made = armature.edit_bones.new(bone)
        made.head, made.tail = head, np.add(head, (0, 0, 0.1))
    bpy.ops.object.mode_set(mode="OBJECT")
    return ob


def pump_until(done, seconds=60.0):
    """Call the timer by hand, as Blender's window would, until `done()`."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "the job did not end"
        jobs.pump()
        time.sleep(0.01)


def worker_pid(session):
    """The process of a session's worker, once it has said hello."""
    pump_until(lambda: session._client.hello)
    return session._client.hello["pid"]


def gone(pid):
    """Whether no process has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
