"""One operator: an FBX for each person and a GLB of both, named after one chosen file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write

from .placing import keyed_people

TRACK = "InterMamba"
FBX_OPTIONS = {
    "use_selection": True,
    "object_types": {"ARMATURE", "MESH"},
    "apply_scale_options": "FBX_SCALE_ALL",
    "add_leaf_bones": False,
    "bake_anim": True,
    "bake_anim_use_all_bones": True,
    "bake_anim_use_nla_strips": False,
    "bake_anim_use_all_actions": False,
    "bake_anim_force_startend_keying": True,
    "bake_anim_simplify_factor": 0.0,
    "bake_anim_step": 1.0,
    "primary_bone_axis": "Y",
    "secondary_bone_axis": "X",
    "axis_forward": "-Z",
    "axis_up": "Y",
}
GLB_OPTIONS = {
    "export_format": "GLB",
    "use_selection": True,
    "use_active_scene": True,
    "export_animations": True,
    "export_animation_mode": "NLA_TRACKS",
    "export_force_sampling": True,
    "export_optimize_animation_size": False,
    "export_frame_range": False,
    "export_anim_slide_to_zero": False,
}


class INTERMAMBA_OT_export(bpy.types.Operator):
    """Write the motion as an FBX file for each person and a GLB file of both"""

    bl_idname = "intermamba.export"
    bl_label = "Export FBX and GLB"

    filepath: StringProperty(
        subtype="FILE_PATH", description="NAME gives NAME_A.fbx, NAME_B.fbx and NAME.glb"
    )
    fbx: BoolProperty(name="FBX", description="One file for each person", default=True)
    glb: BoolProperty(name="GLB", description="One file with both people, as one animation", default=True)
    filter_glob: StringProperty(default="*.fbx;*.glb", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _: bpy.types.Event) -> set[str]:
        """Ask where."""
        if not self.filepath:
            people = keyed_people(context.scene)
            self.filepath = people[0][1].animation_data.action.name[: -len("_A")] if people else "duet"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the files; the scene stays as it is."""
        try:
            written = export_people(context, bpy.path.abspath(self.filepath), fbx=self.fbx, glb=self.glb)
        except IntermambaError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, "Written: " + ", ".join(path.name for path in written))
        return {"FINISHED"}


def export_people(context: bpy.types.Context, path: str, *, fbx: bool = True, glb: bool = True) -> list[Path]:
    """Write NAME_A.fbx, NAME_B.fbx and NAME.glb for a path NAME; each file is written whole or not at all.

    Raises IntermambaError when there is nothing to export or a file cannot be written.
    """
    people = keyed_people(context.scene)
    if not people:
        raise IntermambaError("There is no generated motion in this scene: generate one first.")
    if not os.path.basename(path):
        raise IntermambaError("The file has no name: give one.")
    stem = Path(path[: -len(".fbx")] if path.lower().endswith((".fbx", ".glb")) else path)
    written = []
    if fbx:
        for person, ob in people:
            written.append(stem.with_name(f"{stem.name}_{person}.fbx"))
            with atomic_write(written[-1]) as file, _stage(context, [ob]):
                bpy.ops.export_scene.fbx(filepath=str(file), **FBX_OPTIONS)
    if glb:
        written.append(stem.with_name(f"{stem.name}.glb"))
        armatures = [ob for _, ob in people]
        with atomic_write(written[-1]) as file, _stage(context, armatures), _one_track(armatures):
            bpy.ops.export_scene.gltf(filepath=str(file), **GLB_OPTIONS)
    return written


@contextmanager
def _stage(context: bpy.types.Context, armatures: list[bpy.types.Object]) -> Iterator[None]:
    """Show a scene of its own with the armatures and what they deform, all selected, as long as their Actions.

    Selection, visibility, mode, playhead and frame range of the user's scene are never touched. No object is active:
    exporters would take an active one out of Pose Mode.
    """
    source, window = context.scene, context.window or context.window_manager.windows[0]
    shown, shown_layer = window.scene, window.view_layer
    stage = bpy.data.scenes.new("InterMamba export")
    render = source.render
    stage.render.fps, stage.render.fps_base = render.fps, render.fps_base
    ranges = [ob.animation_data.action.frame_range for ob in armatures]
    stage.frame_start = int(min(start for start, _ in ranges))
    stage.frame_end = int(max(end for _, end in ranges))
    objects = [*armatures, *(ob for ob in source.objects if _deformed_by(ob, armatures))]
    for ob in objects:
        stage.collection.objects.link(ob)
    layer = stage.view_layers[0]
    for ob in objects:
        ob.select_set(True, view_layer=layer)
    try:
        window.scene = stage
        with context.temp_override(window=window):
            yield
    finally:
        window.scene, window.view_layer = shown, shown_layer
        bpy.data.scenes.remove(stage)


def _deformed_by(ob: bpy.types.Object, armatures: list[bpy.types.Object]) -> bool:
    return ob.type == "MESH" and any(m.type == "ARMATURE" and m.object in armatures for m in ob.modifiers)


@contextmanager
def _one_track(armatures: list[bpy.types.Object]) -> Iterator[None]:
    """The Actions as NLA tracks of one name, which glTF joins in one animation of both people."""
    tracks = []
    actions = [
        (ob, ob.animation_data.action, getattr(ob.animation_data, "action_slot", None)) for ob in armatures
    ]
    try:
        for ob, action, slot in actions:
            track = ob.animation_data.nla_tracks.new()
            tracks.append((ob, track))
            track.name = TRACK
            strip = track.strips.new(TRACK, int(action.frame_range[0]), action)
            if slot is not None:
                strip.action_slot = slot
            ob.animation_data.action = None
        yield
    finally:
        for ob, track in tracks:
            ob.animation_data.nla_tracks.remove(track)
        for ob, action, slot in actions:
            ob.animation_data.action = action
            if slot is not None:
                ob.animation_data.action_slot = slot


CLASSES = (INTERMAMBA_OT_export,)
