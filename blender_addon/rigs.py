"""Armatures: reading one, and making the two mannequins."""

from functools import lru_cache

import bpy
import numpy as np
from mathutils import Vector

from intermamba.errors import RetargetError
from intermamba.motion.kinematics import fk
from intermamba.motion.placement import TOE_HEIGHT
from intermamba.motion.skeleton import (
    CHILDREN,
    HEAD,
    JOINT_NAMES,
    JOINTS,
    L_FOOT,
    L_WRIST,
    PARENTS,
    R_FOOT,
    R_WRIST,
)
from intermamba.retarget import Rig
from intermamba.retarget.transfer import Z_UP

from .mannequin import Skin, build_skin

PEOPLE = ("A", "B")
PERSON_KEY = "intermamba_person"
COLLECTION = "InterMamba"
COLOURS = {  # of body and accents: one person warm, one cool
    "A": ((0.80, 0.25, 0.14, 1.0), (0.13, 0.045, 0.035, 1.0)),
    "B": ((0.10, 0.38, 0.52, 1.0), (0.025, 0.06, 0.09, 1.0)),
}

# Tails of the bones that end a limb, from their heads, in metres of a T-pose with Z up.
_TIPS = {
    HEAD: (0, 0, 0.18),
    L_FOOT: (0, -0.07, 0),
    R_FOOT: (0, -0.07, 0),
    L_WRIST: (0.12, 0, 0),
    R_WRIST: (-0.12, 0, 0),
}


def read_rig(ob: bpy.types.Object) -> Rig:
    """The armature's bones at rest. Raises RetargetError when it cannot be keyed."""
    if not ob.is_editable:
        raise RetargetError(
            f'Armature "{ob.name}" is linked from another file: make a library override of it first.'
        )
    bones = ob.data.bones
    index = {bone.name: n for n, bone in enumerate(bones)}
    return Rig(
        name=ob.name,
        names=tuple(index),
        parents=np.array([index.get(_followed(ob, bone), -1) for bone in bones], dtype=int),
        rest=np.array([bone.matrix_local for bone in bones]).reshape(-1, 4, 4),
        world=np.array(ob.matrix_world),
        free=np.array([bone.use_deform and not ob.pose.bones[bone.name].constraints for bone in bones]),
    )


def _followed(ob: bpy.types.Object, bone: bpy.types.Bone) -> str | None:
    """The bone that a bone moves with: the one whose transforms it copies, as in control rigs, else its parent."""
    for constraint in ob.pose.bones[bone.name].constraints:
        copies = constraint.type == "COPY_TRANSFORMS" and constraint.target == ob
        if copies and constraint.influence == 1.0 and not constraint.mute:
            return constraint.subtarget
    return bone.parent.name if bone.parent else None


def find_mannequin(scene: bpy.types.Scene, person: str) -> bpy.types.Object | None:
    """The mannequin of "A" or "B" that an earlier motion made in this scene."""
    found = [ob for ob in scene.objects if ob.type == "ARMATURE" and ob.get(PERSON_KEY) == person]
    return min(found, key=lambda ob: ob.name, default=None)  # a user's duplicate has a number in its name


def people_of(scene: bpy.types.Scene) -> tuple[bpy.types.Object | None, bpy.types.Object | None]:
    """The armatures of persons A and B: those picked, or else the mannequins that there are."""
    picked = (scene.intermamba.person_a, scene.intermamba.person_b)
    return tuple(ob or find_mannequin(scene, person) for ob, person in zip(picked, PEOPLE, strict=True))


def make_mannequin(context: bpy.types.Context, person: str, rest: np.ndarray) -> bpy.types.Object:
    """A new armature with a skinned body for rest offsets (22,3), standing at the world's origin.

    Needs Object or Pose Mode: bones can only be made in Edit Mode.
    """
    joints = _standing(rest)
    shown = context.view_layer.layer_collection.children.get(COLLECTION)
    if shown and shown.is_visible:
        collection = shown.collection
    else:
        collection = bpy.data.collections.new(COLLECTION)
        context.scene.collection.children.link(collection)
    armature = bpy.data.armatures.new(f"{COLLECTION} {person}")
    armature.display_type = "STICK"
    ob = bpy.data.objects.new(f"{COLLECTION} {person}", armature)
    ob[PERSON_KEY] = person
    collection.objects.link(ob)
    _make_bones(context, ob, joints)
    _make_body(ob, person, joints, collection)
    return ob


def _standing(rest: np.ndarray) -> np.ndarray:
    """Joints (22,3) of the rest pose on the floor, Z up."""
    upright = np.zeros((JOINTS, 4))
    upright[:, 0] = 1.0
    joints = fk(upright, np.zeros(3), rest.astype(float)) @ Z_UP.T
    joints[:, 2] += TOE_HEIGHT - min(joints[L_FOOT, 2], joints[R_FOOT, 2])
    return joints


def _make_bones(context: bpy.types.Context, ob: bpy.types.Object, joints: np.ndarray) -> None:
    layer = context.view_layer
    before = layer.objects.active
    layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    bones = [ob.data.edit_bones.new(name) for name in JOINT_NAMES]
    for k, bone in enumerate(bones):
        bone.head = joints[k]
        bone.tail = joints[k] + _tip(k, joints)
        bone.align_roll(Vector((0.0, -1.0, 0.0)))
        if k:
            bone.parent = bones[PARENTS[k]]
    bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = before
    ob.select_set(False)


def _tip(joint: int, joints: np.ndarray) -> np.ndarray:
    """From a bone's head to its tail: the next joint where there is one, straight up at branches."""
    if joint in _TIPS:
        return np.array(_TIPS[joint])
    below = joints[list(CHILDREN[joint])] - joints[joint]
    return below[0] if len(below) == 1 else np.array([0.0, 0.0, max(below[:, 2].max(), 0.05)])


def _make_body(
    ob: bpy.types.Object, person: str, joints: np.ndarray, collection: bpy.types.Collection
) -> None:
    skin = _skin(joints.tobytes())
    mesh = bpy.data.meshes.new(f"{ob.name} body")
    mesh.from_pydata(skin.vertices, [], skin.quads.tolist())
    mesh.polygons.foreach_set("material_index", skin.materials.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(skin.quads), bool))
    for part, colour in zip(("body", "accent"), COLOURS[person], strict=True):
        mesh.materials.append(_material(f"{COLLECTION} {person} {part}", colour))
    body = bpy.data.objects.new(mesh.name, mesh)
    body.parent = ob
    collection.objects.link(body)
    for k, name in enumerate(JOINT_NAMES):
        group = body.vertex_groups.new(name=name)
        steps = np.rint(100 * skin.weights[:, k])
        for step in np.unique(steps[steps > 0]):
            group.add(np.flatnonzero(steps == step).tolist(), step / 100, "REPLACE")
    body.modifiers.new("Armature", "ARMATURE").object = ob


@lru_cache(maxsize=2)
def _skin(joints: bytes) -> Skin:
    """build_skin, once where two people have one rest pose."""
    return build_skin(np.frombuffer(joints).reshape(JOINTS, 3))


def _material(name: str, colour: tuple[float, ...]) -> bpy.types.Material:
    material = bpy.data.materials.get(name)
    if material is None:
        material = bpy.data.materials.new(name)
        if material.node_tree is None:
            material.use_nodes = True
        material.diffuse_color = colour
        material.roughness = 0.45
        shader = material.node_tree.nodes["Principled BSDF"]
        shader.inputs["Base Color"].default_value = colour
        shader.inputs["Roughness"].default_value = 0.45
    return material
