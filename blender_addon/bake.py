"""Characters for engines: what two armatures do, sampled, and made anew as plain ones that do just that.

The new armature has the bones that an engine needs, no constraints, no object transform, keys from frame 0 on, and a
bone on the floor where asked for. The user's own armatures are only looked at.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import bpy
import numpy as np
from mathutils import Matrix

from intermamba.motion.captured import Captured
from intermamba.motion.rotations import quat_from_matrix
from intermamba.motion.skeleton import JOINT_NAMES, PELVIS
from intermamba.retarget import map_bones
from intermamba.retarget.pose_space import basis_of, split_basis
from intermamba.retarget.root_motion import ground_frames
from intermamba.retarget.transfer import Z_UP

from .actions import assign, channels_of, write_curves
from .rigs import read_rig

ROOT_BONE, SYNC_BONE = "root", "sync_partner"
_STILL = 1e-5  # keys that change less (m, or as a share of the size) are left out


@dataclass(frozen=True, kw_only=True)
class Performance:
    """One person's bones throughout a clip: metres, Z up.

    names: B bones; parents: (B,); lengths: (B,); rest: (B,4,4) at the world's origin, in the size and turned as the
    object is; pose: (T,B,4,4) in the world; ground: (T,4,4) frames on the floor below the hips; hips: the bone of the
    pelvis; joints: (T,22,3) above the floor, with Y up, None where the rig lacks some; bodies: the meshes that the
    armature deforms.
    """

    person: str
    ob: bpy.types.Object
    names: tuple[str, ...]
    parents: np.ndarray
    lengths: np.ndarray
    rest: np.ndarray
    pose: np.ndarray
    ground: np.ndarray
    hips: str
    joints: np.ndarray | None
    bodies: tuple[bpy.types.Object, ...]

    @property
    def top(self) -> int:
        """The topmost bone above the hips; the hips themselves where there is none."""
        bone = self.names.index(self.hips)
        while self.parents[bone] >= 0:
            bone = int(self.parents[bone])
        return bone


def perform(
    stage: bpy.types.Scene,
    source: bpy.types.Scene,
    people: list[tuple[str, bpy.types.Object]],
    first: int,
    last: int,
) -> list[Performance]:
    """Play armatures of the scene `source` on the stage, from frame `first` to `last`, and note all of their bones."""
    seen = played(stage, [ob for _, ob in people], first, last)
    floor = people[0][1].matrix_world.translation.z
    done = [_performance(person, ob, *poses, floor) for (person, ob), poses in zip(people, seen, strict=True)]
    return [
        replace(one, bodies=tuple(body for body in source.objects if _deformed_by(body, one.ob)))
        for one in done
    ]


def played(
    stage: bpy.types.Scene, armatures: list[bpy.types.Object], first: int, last: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each armature the object's matrices (T,4,4) and its bones' (T,B,4,4) in armature space."""
    return stacked(list(play(stage, armatures, first, last)))


def play(
    stage: bpy.types.Scene, armatures: list[bpy.types.Object], first: int, last: int
) -> Iterator[list[tuple[np.ndarray, np.ndarray]]]:
    """Frame after frame, for each armature the object's matrix (4,4) and its bones' (B,4,4) in armature space."""
    for ob in armatures:
        stage.collection.objects.link(ob)
    try:
        for frame in range(first, last + 1):
            stage.frame_set(frame)
            graph = stage.view_layers[0].depsgraph
            yield [_posed(ob.evaluated_get(graph)) for ob in armatures]
    finally:
        for ob in armatures:
            stage.collection.objects.unlink(ob)


def stacked(
    frames: list[list[tuple[np.ndarray, np.ndarray]]],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """What `play` gave in all frames, as `played` gives it."""
    return [
        tuple(np.stack(matrices) for matrices in zip(*one, strict=True)) for one in zip(*frames, strict=True)
    ]


def _posed(seen: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    values = np.empty(16 * len(seen.pose.bones), np.float32)
    seen.pose.bones.foreach_get("matrix", values)
    return np.array(seen.matrix_world), values.reshape(-1, 4, 4).swapaxes(1, 2).astype(float)


def renew_owner() -> None:
    """Let what the context hands out belong to the scene that is shown: Blender 4.2 needs it after a scene has gone.

    There, whoever reads `layer_collection` (as Rigify does) makes the scene of that moment the owner of all that the
    context hands out, its window and the preferences too. Once that scene is gone, the next who writes to one of
    them, as Blender's glTF exporter does, corrupts memory. Reading it again makes good.
    """
    _ = bpy.context.layer_collection


@contextmanager
def offstage(source: bpy.types.Scene, name: str) -> Iterator[bpy.types.Scene]:
    """An empty scene that no window shows, with the frame rate of `source`, which is never touched."""
    stage = bpy.data.scenes.new(name)
    stage.render.fps, stage.render.fps_base = source.render.fps, source.render.fps_base
    try:
        yield stage
    finally:
        bpy.data.scenes.remove(stage)
        renew_owner()


def _performance(
    person: str, ob: bpy.types.Object, worlds: np.ndarray, poses: np.ndarray, floor: float
) -> Performance:
    rig = read_rig(ob)
    roles = map_bones(rig)
    rest = rig.rest.copy()
    rest[:, :3, 3] = rig.heads() - rig.world[:3, 3]
    rest[:, :3, :3] = rig.orientations()
    pose = worlds[:, None] @ poses
    pose[..., :3, :3] /= rig.scale

    def head(joint: str) -> np.ndarray:
        return pose[:, rig.index(roles[joint]), :3, 3]

    joints = None
    if all(joint in roles for joint in JOINT_NAMES):
        joints = (np.stack([head(joint) for joint in JOINT_NAMES], axis=1) - [0.0, 0.0, floor]) @ Z_UP
    left = head("L_hip") - head("R_hip") + head("L_shoulder") - head("R_shoulder")
    return Performance(
        person=person,
        ob=ob,
        names=rig.names,
        parents=rig.parents,
        lengths=np.array([bone.length for bone in ob.data.bones]) * rig.scale,
        rest=rest,
        pose=pose,
        ground=ground_frames(0.5 * (head("L_hip") + head("R_hip")), left, floor),
        hips=roles[JOINT_NAMES[PELVIS]],
        joints=joints,
        bodies=(),
    )


def deforming(done: Performance) -> Performance:
    """Without the bones that deform nothing; each of the others hangs below the nearest one that is left.

    Rigify's deforming bones hang below ORG- bones: there the DEF- bone of the same name is taken.
    """
    bones = done.ob.data.bones
    keep = [n for n, name in enumerate(done.names) if bones[name].use_deform]
    if not keep or len(keep) == len(done.names):
        return done
    index = {name: n for n, name in enumerate(done.names)}
    above = dict.fromkeys(keep, -1)
    for n in keep:
        parent = int(done.parents[n])
        while parent >= 0:
            twin = index.get("DEF-" + done.names[parent].removeprefix("ORG-"), -1)
            found = next((k for k in (parent, twin) if k in above and not _is_below(k, n, above)), -1)
            if found >= 0:
                above[n] = found
                break
            parent = int(done.parents[parent])
    place = {n: k for k, n in enumerate(keep)} | {-1: -1}
    names = tuple(done.names[n] for n in keep)
    hips = done.rest[index[done.hips], :3, 3]
    nearest = np.linalg.norm(done.rest[keep, :3, 3] - hips, axis=1).argmin()
    return replace(
        done,
        names=names,
        parents=np.array([place[above[n]] for n in keep]),
        lengths=done.lengths[keep],
        rest=done.rest[keep],
        pose=done.pose[:, keep],
        hips=done.hips if done.hips in names else names[nearest],
    )


def _is_below(bone: int, other: int, above: dict[int, int]) -> bool:
    """Whether `bone` is `other` or hangs below it."""
    while bone >= 0:
        if bone == other:
            return True
        bone = above[bone]
    return False


def framed(
    done: Performance, frames: np.ndarray, root: np.ndarray | None, partner: np.ndarray | None
) -> Performance:
    """The clip as `frames` (T,4,4) moves it, with a bone that follows `root` (T,4,4) and one that follows `partner`.

    A rig's own bone above the hips becomes the root; else every bone without a parent hangs below a new one.
    """
    done = replace(
        done, pose=frames[:, None] @ done.pose, parents=done.parents.copy(), ground=frames @ done.ground
    )
    parent = -1
    if root is not None and done.names[done.top] != done.hips:
        parent = done.top
        done.pose[:, parent] = root @ done.rest[parent]
    elif root is not None:
        done = _with_bone(done, ROOT_BONE, -1, root)
        parent = len(done.names) - 1
        done.parents[:-1][done.parents[:-1] < 0] = parent
    return done if partner is None else _with_bone(done, SYNC_BONE, parent, partner)


def _with_bone(done: Performance, name: str, parent: int, pose: np.ndarray) -> Performance:
    while name in done.names:
        name += "_"
    return replace(
        done,
        names=(*done.names, name),
        parents=np.append(done.parents, parent),
        lengths=np.append(done.lengths, 0.1),
        rest=np.concatenate([done.rest, np.eye(4)[None]]),
        pose=np.concatenate([done.pose, pose[:, None]], axis=1),
    )


@contextmanager
def baked(
    stage: bpy.types.Scene, people: list[Performance], units: float = 1.0, name: str = ""
) -> Iterator[list[bpy.types.Object]]:
    """Show armatures that play the clips from frame 0 on, with the bodies of the user's, selected, on the stage.

    `units`: how many of the file's units a metre has. They bear the names of the user's objects, or `name`. All of it
    is gone afterwards.
    """
    with ExitStack() as undo:
        yield [_bake(stage, done, units, name or done.ob.name, undo) for done in people]


def _bake(
    stage: bpy.types.Scene, done: Performance, units: float, name: str, undo: ExitStack
) -> bpy.types.Object:
    _lend_name(bpy.data.objects, name, undo)
    armature = bpy.data.armatures.new(name)
    undo.callback(bpy.data.armatures.remove, armature)  # takes its object along
    ob = bpy.data.objects.new(name, armature)
    stage.collection.objects.link(ob)
    ob.select_set(True, view_layer=stage.view_layers[0])
    _make_bones(stage, ob, done, units)
    action = bpy.data.actions.new(stage.name)
    undo.callback(bpy.data.actions.remove, action)
    _key(ob, action, done, units)
    for body in done.bodies:
        _copy_body(stage, body, done.ob, ob, units, undo)
    if not done.bodies:
        _make_token(stage, ob, undo)
    return ob


def _lend_name(names: bpy.types.bpy_prop_collection, name: str, undo: ExitStack) -> None:
    """Free a name for as long as the clip is shown."""
    holder = names.get(name)
    if holder is not None and not holder.library:
        holder.name = f"{name} (lent)"
        undo.callback(setattr, holder, "name", name)


def _make_bones(stage: bpy.types.Scene, ob: bpy.types.Object, done: Performance, units: float) -> None:
    layer = stage.view_layers[0]
    layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    bones = [ob.data.edit_bones.new(name) for name in done.names]
    for bone, parent, length, rest in zip(bones, done.parents, done.lengths, done.rest, strict=True):
        bone.tail = (0.0, float(length) * units, 0.0)
        placed = rest.copy()
        placed[:3, 3] *= units
        bone.matrix = Matrix(placed.tolist())
        bone.parent = bones[parent] if parent >= 0 else None
    bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = None


def _key(ob: bpy.types.Object, action: bpy.types.Action, done: Performance, units: float) -> None:
    """Keys of the clip, on the bones as Blender holds them at rest."""
    rest = np.array([ob.data.bones[name].matrix_local for name in done.names])
    pose = done.pose.copy()
    pose[..., :3, 3] *= units
    locations, rotations, scales = split_basis(basis_of(rest, done.parents, pose))
    curves, slot = channels_of(action, ob)
    frames = np.arange(len(pose), dtype=np.float32)
    for n, name in enumerate(done.names):
        path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
        ob.pose.bones[name].rotation_mode = "QUATERNION"
        write_curves(curves, name, f"{path}.rotation_quaternion", frames, rotations[:, n])
        if np.abs(locations[:, n]).max() > _STILL * units:
            write_curves(curves, name, f"{path}.location", frames, locations[:, n])
        if np.abs(scales[:, n] - 1.0).max() > _STILL:
            write_curves(curves, name, f"{path}.scale", frames, scales[:, n])
    assign(ob, action, slot)


def _deformed_by(ob: bpy.types.Object, armature: bpy.types.Object) -> bool:
    return ob.type == "MESH" and any(m.type == "ARMATURE" and m.object == armature for m in ob.modifiers)


def _copy_body(
    stage: bpy.types.Scene,
    body: bpy.types.Object,
    source: bpy.types.Object,
    ob: bpy.types.Object,
    units: float,
    undo: ExitStack,
) -> None:
    """A copy of a skinned mesh, with its place among the bones in its points."""
    mesh_name, name = body.data.name, body.name
    _lend_name(bpy.data.meshes, mesh_name, undo)
    _lend_name(bpy.data.objects, name, undo)
    mesh = body.data.copy()
    undo.callback(bpy.data.meshes.remove, mesh)  # takes its object along
    mesh.name = mesh_name
    turned = source.matrix_world.copy()
    turned.translation = (0.0, 0.0, 0.0)
    place = Matrix.Scale(units, 4) @ turned @ source.matrix_world.inverted() @ body.matrix_world
    mesh.transform(place, shape_keys=True)
    copy = body.copy()
    copy.name, copy.data = name, mesh
    copy.animation_data_clear()
    copy.parent = ob
    copy.matrix_parent_inverse = Matrix()
    copy.matrix_basis = Matrix()
    for modifier in copy.modifiers:
        if modifier.type == "ARMATURE" and modifier.object == source:
            modifier.object = ob
    stage.collection.objects.link(copy)
    copy.hide_viewport = copy.hide_render = False
    copy.select_set(True, view_layer=stage.view_layers[0])


def _make_token(stage: bpy.types.Scene, ob: bpy.types.Object, undo: ExitStack) -> None:
    """A tiny mesh on all bones: without one, FBX files lose the rest pose and engines see no skeleton."""
    bones = ob.data.bones
    mesh = bpy.data.meshes.new(f"{ob.name} token")
    undo.callback(bpy.data.meshes.remove, mesh)
    size = 1e-3 * max(bone.length for bone in bones)
    corners = size * np.array([(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)])
    mesh.from_pydata(
        np.tile(corners, (len(bones), 1)).tolist(),
        [],
        [(3 * n, 3 * n + 1, 3 * n + 2) for n in range(len(bones))],
    )
    token = bpy.data.objects.new(mesh.name, mesh)
    token.parent = ob
    for n, bone in enumerate(bones):
        token.vertex_groups.new(name=bone.name).add([3 * n, 3 * n + 1, 3 * n + 2], 1.0, "REPLACE")
    token.modifiers.new("Armature", "ARMATURE").object = ob
    stage.collection.objects.link(token)
    token.select_set(True, view_layer=stage.view_layers[0])


def bvh_clip(done: Performance, fps: float) -> tuple[Captured, dict[int, np.ndarray]]:
    """The clip as BVH holds it, Y up, with the bones' tails; several bones without a parent hang below a new one."""
    if np.count_nonzero(done.parents < 0) > 1:
        done = _with_bone(done, ROOT_BONE, -1, np.tile(np.eye(4), (len(done.pose), 1, 1)))
        done.parents[:-1][done.parents[:-1] < 0] = len(done.names) - 1
    below = done.parents >= 0
    above = done.parents[below]
    rest, pose = done.rest[:, :3, 3] @ Z_UP, done.pose[..., :3, 3] @ Z_UP
    turns = Z_UP.T @ done.pose[..., :3, :3] @ np.linalg.inv(done.rest[:, :3, :3]) @ Z_UP
    offsets, places, spins = rest.copy(), pose.copy(), turns.copy()
    offsets[below] = rest[below] - rest[above]
    places[:, below] = np.einsum("tbji,tbj->tbi", turns[:, above], pose[:, below] - pose[:, above])
    spins[:, below] = np.swapaxes(turns[:, above], -1, -2) @ turns[:, below]
    moving = np.abs(places - offsets).max(axis=(0, 2)) > _STILL
    travel = {int(n): places[:, n] for n in np.flatnonzero(moving & below)}
    root = int(np.flatnonzero(~below)[0])
    tips = (done.rest[:, :3, 1] * done.lengths[:, None]) @ Z_UP
    clip = Captured(
        list(done.names), done.parents, offsets, quat_from_matrix(spins), pose[:, root], fps, travel
    )
    return clip, dict(enumerate(tips))
