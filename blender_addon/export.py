"""Clips for engines: an FBX and a BVH for each person, a GLB and a USD of both, and a file that tells how they belong
together."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.motion.bvh import write_clip
from intermamba.retarget.root_motion import clip_frames, root_poses

from .bake import Performance, baked, bvh_clip, deforming, framed, offstage, perform, renew_owner
from .export_presets import OPTIONS, Options
from .placing import keyed_people, playing
from .sidecar import describe

SUFFIXES = (".fbx", ".glb", ".bvh", ".usdc", ".json")
FBX_OPTIONS = {
    "use_selection": True,
    "object_types": {"ARMATURE", "MESH"},
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
USD_OPTIONS = {"selected_objects_only": True, "export_animation": True, "export_armatures": True}
CENTIMETRE = 0.01


def export_people(context: bpy.types.Context, path: str, options: Options = OPTIONS["GENERIC"]) -> list[Path]:
    """Write the clip of both people in files named after `path`, and NAME.json beside them: all of them, or none.

    Clips start at frame 0 and are equally long. NAME_A.fbx and NAME_B.fbx, the same with .bvh, NAME.glb, NAME.usdc,
    as the options say. Raises IntermambaError when there is nothing to export or a file cannot be written.
    """
    people = keyed_people(context.scene)
    if not people:
        raise IntermambaError("There is no generated motion in this scene: generate one first.")
    if not options.formats:
        raise IntermambaError("No kind of file is chosen: choose at least one.")
    stem = stem_of(path)
    played = [playing(ob) for _, ob in people]
    first, last = min(one.first for one in played), max(one.last for one in played)
    with stage_of(context, stem.name) as stage:
        stage.frame_start, stage.frame_end = first, last
        clips = perform(stage, context.scene, people, first, last)
        stage.frame_start, stage.frame_end = 0, last - first
        return _write(stage, stem, clips, options)


def stem_of(path: str) -> Path:
    """What the files' names begin with. Raises IntermambaError where there is no name."""
    if not os.path.basename(path):
        raise IntermambaError("The file has no name: give one.")
    return Path(path).with_suffix("") if path.lower().endswith(SUFFIXES) else Path(path)


def _write(stage: bpy.types.Scene, stem: Path, clips: list[Performance], options: Options) -> list[Path]:
    """All files; they get their names together once every one of them is whole."""
    if options.deform_only:
        clips = [deforming(clip) for clip in clips]
    single, both = _framed(clips, options), _framed(clips, _together(options))
    written: list[Path] = []
    with ExitStack() as files:

        def begin(name: str) -> Path:
            written.append(stem.with_name(name))
            return files.enter_context(atomic_write(written[-1]))

        for clip in single:
            name = f"{stem.name}_{clip.person}"
            if "FBX" in options.formats:
                _export_fbx(stage, begin(f"{name}.fbx"), clip, name, options)
            if "BVH" in options.formats:
                skeleton, tips = bvh_clip(clip, _fps(stage))
                write_clip(begin(f"{name}.bvh"), skeleton, tips)
        if "GLB" in options.formats:
            _export_glb(stage, begin(f"{stem.name}.glb"), both, stem.name)
        if "USD" in options.formats:
            _export_usd(stage, begin(f"{stem.name}.usdc"), both, stem.name)
        names = [path.name for path in written]
        text = json.dumps(describe(stem.name, names, clips, single, options, _fps(stage)), indent=1)
        begin(f"{stem.name}.json").write_text(text + "\n", encoding="utf-8")
    return written


def _together(options: Options) -> Options:
    """In one file both cannot start at the origin."""
    return replace(options, origin="PAIR") if options.origin == "OWN" else options


def _framed(clips: list[Performance], options: Options) -> list[Performance]:
    """The clips where and as the options want them."""
    grounds = np.array([clip.ground for clip in clips])
    frames = clip_frames(grounds, options.root, options.origin)
    roots = root_poses(grounds, frames, options.root)
    done = []
    for n, clip in enumerate(clips):
        partner = frames[n] @ grounds[1 - n] if options.sync_bone and len(clips) == 2 else None
        done.append(framed(clip, frames[n], None if options.root == "HIPS" else roots[n], partner))
    return done


def _fps(scene: bpy.types.Scene) -> float:
    return scene.render.fps / scene.render.fps_base


def _export_fbx(stage: bpy.types.Scene, path: Path, clip: Performance, name: str, options: Options) -> None:
    stage.name = name
    units, size, scaling = 1.0, 1.0, "FBX_SCALE_ALL"
    if options.centimetres:
        units, size, scaling = 1.0 / CENTIMETRE, CENTIMETRE, "FBX_SCALE_NONE"
    stage.unit_settings.scale_length = size
    with baked(stage, [clip], units, options.armature):
        _run(bpy.ops.export_scene.fbx, path, apply_scale_options=scaling, **FBX_OPTIONS)
    stage.unit_settings.scale_length = 1.0


def _export_glb(stage: bpy.types.Scene, path: Path, clips: list[Performance], name: str) -> None:
    stage.name = name
    with baked(stage, clips) as armatures:
        for ob in armatures:  # tracks of one name are one animation
            animation = ob.animation_data
            action, slot = animation.action, getattr(animation, "action_slot", None)
            track = animation.nla_tracks.new()
            track.name = name
            strip = track.strips.new(name, 0, action)
            if slot is not None:
                strip.action_slot = slot
            animation.action = None
        _run(bpy.ops.export_scene.gltf, path, **GLB_OPTIONS)


def _export_usd(stage: bpy.types.Scene, path: Path, clips: list[Performance], name: str) -> None:
    stage.name = name
    with baked(stage, clips):
        _run(bpy.ops.wm.usd_export, path, **USD_OPTIONS)


def _run(exporter: Callable[..., set[str]], path: Path, **options: object) -> None:
    """One of Blender's exporters. Raises OSError, with the reason, when the file is not written, or not whole."""
    try:
        result = exporter(filepath=str(path), **options)
    except RuntimeError as error:
        found = re.findall(r"Error: (?:\[Errno \d+\] )?(.+)", str(error))
        raise OSError((found or ["the exporter failed"])[-1].strip()) from error
    if result != {"FINISHED"} or not _is_whole(path.read_bytes()):
        raise OSError("the file came out incomplete, so the disk may be full")


def _is_whole(data: bytes) -> bool:
    """Whether a binary file has all the bytes that its header tells of."""
    if data.startswith(b"glTF"):
        return int.from_bytes(data[8:12], "little") == len(data)
    if data.startswith(b"PXR-USDC"):
        return int.from_bytes(data[16:24], "little") < len(data)
    return data.startswith(b"Kaydara FBX Binary") and len(data) > 1000


@contextmanager
def stage_of(context: bpy.types.Context, name: str) -> Iterator[bpy.types.Scene]:
    """Show an empty scene of its own, as `offstage` makes it, in place of the user's.

    Selection, visibility, mode, playhead and frame range of the user's scene are never touched.
    """
    renew_owner()
    window = context.window or context.window_manager.windows[0]
    shown, shown_layer = window.scene, window.view_layer
    with offstage(context.scene, name) as stage:
        try:
            window.scene = stage
            with context.temp_override(window=window, scene=stage, view_layer=stage.view_layers[0]):
                yield stage
        finally:
            window.scene, window.view_layer = shown, shown_layer
