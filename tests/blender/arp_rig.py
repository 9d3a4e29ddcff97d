"""A rig with the names of Auto-Rig Pro and, of arms and legs, its constraints: FK and IK chains that the body copies.

Made after the description in blender_addon/controls.py. No bone of it is copied from the real one.
"""

from itertools import pairwise

import bpy
import numpy as np
from mathutils import Vector

from intermamba.motion.kinematics import fk
from intermamba.motion.skeleton import DEFAULT_REST, JOINT_NAMES, JOINTS
from intermamba.retarget.transfer import Z_UP

BODY = ("arm", "forearm", "hand", "thigh", "leg", "foot", "toes_01")
TRUNK = {
    "c_root_master.x": ("pelvis", "spine1"),
    "c_spine_01.x": ("spine1", "spine2"),
    "c_spine_02.x": ("spine2", "spine3"),
    "c_spine_03.x": ("spine3", "neck"),
    "c_neck.x": ("neck", "head"),
}


def make_arp_rig(name):
    """The armature's object, turned and away from the origin."""
    armature = bpy.data.armatures.new(name)
    ob = bpy.data.objects.new(name, armature)
    bpy.context.scene.collection.objects.link(ob)
    ob.location, ob.rotation_euler = (1.0, 2.0, 0.1), (0.0, 0.0, 0.6)
    bpy.context.view_layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    at = _joints()
    _bone(armature, "c_traj", (0, 0, 0), (0, 0.3, 0))
    parent = "c_traj"
    for bone, (head, tail) in TRUNK.items():
        parent = _bone(armature, bone, at[head], at[tail], parent)
    _bone(armature, "c_head.x", at["head"], at["head"] + Vector((0, 0, 0.18)), parent)
    for side in "lr":
        _limb_bones(armature, side, at)
    bpy.ops.object.mode_set(mode="OBJECT")
    for side in "lr":
        _wire(ob, ("arm", "forearm"), "hand", "c_hand_ik", "c_arms_pole", "c_root_master.x", side)
        _wire(ob, ("thigh", "leg"), "foot", "c_foot_01", "c_leg_pole", "c_foot_ik." + side, side)
        _copy(ob, f"toes_01.{side}", f"c_toes_fk.{side}", f"c_toes_ik.{side}", f"c_foot_ik.{side}")
    bpy.context.view_layer.update()
    return ob


def _joints():
    upright = np.tile([1.0, 0.0, 0.0, 0.0], (JOINTS, 1))
    joints = fk(upright, np.zeros(3), DEFAULT_REST.astype(float)) @ Z_UP.T
    joints[:, 2] -= joints[:, 2].min()
    at = {joint: Vector(place) for joint, place in zip(JOINT_NAMES, joints, strict=True)}
    for side in "LR":  # a straight limb has no plane
        at[f"{side}_elbow"].y += 0.02
        at[f"{side}_knee"].y -= 0.02
    return at


def _bone(armature, name, head, tail, parent=None, ahead=None):
    bone = armature.edit_bones.new(name)
    bone.head, bone.tail = head, tail
    bone.parent = armature.edit_bones[parent] if parent else None
    bone.use_deform = name[:-2] in BODY
    if ahead is not None:  # its X axis points there, as pole angles of 0 want it
        bone.align_roll(ahead.cross(bone.tail - bone.head))
    return name


def _limb_bones(armature, side, at):
    joint = {name[2:]: place for name, place in at.items() if name.startswith(side.upper())}
    out = Vector((0.1 if side == "l" else -0.1, 0, 0))
    _bone(armature, f"c_shoulder.{side}", joint["collar"], joint["shoulder"], "c_spine_03.x")
    arm = (joint["shoulder"], joint["elbow"], joint["wrist"], joint["wrist"] + out)
    leg = (joint["hip"], joint["knee"], joint["ankle"], joint["foot"], joint["foot"] + Vector((0, -0.07, 0)))
    _chains(armature, side, ("arm", "forearm", "hand"), arm, f"c_shoulder.{side}")
    _chains(armature, side, ("thigh", "leg", "foot", "toes"), leg, "c_root_master.x")
    for pole, places in (("c_arms_pole", arm), ("c_leg_pole", leg)):
        head = places[1] + 0.5 * _ahead(places)
        _bone(armature, f"{pole}.{side}", head, head + Vector((0, 0, 0.1)))


def _ahead(places):
    """Where an elbow or knee points to."""
    out, line = places[1] - places[0], (places[2] - places[0]).normalized()
    return (out - out.dot(line) * line).normalized()


def _chains(armature, side, names, places, root):
    """FK controls with what follows them, IK bones with the control of the end, and the body's own bones."""
    spans = dict(zip(names, pairwise(places), strict=True))
    base, ahead = {"toes": "toes_01"}, _ahead(places)
    above = {"fk": root, "ik": root, "": root}
    for n, (name, span) in enumerate(spans.items()):
        control = _bone(armature, f"c_{name}_fk.{side}", *span, above["fk"], ahead)
        above["fk"] = _bone(armature, f"{name}_fk.{side}", *span, control, ahead) if n < 2 else control
        if n < 2:
            above["ik"] = _bone(armature, f"{name}_ik.{side}", *span, above["ik"], ahead)
        else:
            _bone(armature, f"c_{name}_ik.{side}", *span, f"c_foot_01.{side}" if n == 3 else None, ahead)
        if name == "foot":
            _bone(armature, f"c_foot_01.{side}", *span, f"c_foot_ik.{side}", ahead)
        above[""] = _bone(armature, f"{base.get(name, name)}.{side}", *span, above[""], ahead)


def _wire(ob, chain, end, goal, pole, pole_parent, side):
    """IK of two bones to `goal`, below the control of the end; Child Of for that control and for the pole."""
    hold, pole = f"c_{end}_ik.{side}", f"{pole}.{side}"
    ob.pose.bones[hold]["ik_fk_switch"] = 0.0
    ob.pose.bones[hold].rotation_mode = "XYZ"
    reach = ob.pose.bones[f"{chain[1]}_ik.{side}"].constraints.new("IK")
    reach.target = reach.pole_target = ob
    reach.subtarget, reach.pole_subtarget, reach.chain_count, reach.pole_angle = (
        f"{goal}.{side}",
        pole,
        2,
        0.0,
    )
    reach.iterations = 200
    for bone in chain:
        _copy(ob, f"{bone}.{side}", f"{bone}_fk.{side}", f"{bone}_ik.{side}", hold)
    _copy(ob, f"{end}.{side}", f"c_{end}_fk.{side}", f"{goal}.{side}", hold)
    for control, parent in ((hold, "c_traj"), (pole, pole_parent)):
        child = ob.pose.bones[control].constraints.new("CHILD_OF")
        child.target, child.subtarget = ob, parent
        child.inverse_matrix = ob.data.bones[parent].matrix_local.inverted()


def _copy(ob, bone, fk_bone, ik_bone, holder):
    for source, expression in ((fk_bone, "var"), (ik_bone, "1 - var")):
        copy = ob.pose.bones[bone].constraints.new("COPY_ROTATION")
        copy.target, copy.subtarget = ob, source
        driver = copy.driver_add("influence").driver
        driver.expression = expression
        value = driver.variables.new()
        value.name = "var"
        value.targets[0].id = ob
        value.targets[0].data_path = f'pose.bones["{holder}"]["ik_fk_switch"]'
