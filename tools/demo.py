"""`make demo`: two people dance salsa, as a .blend, an FBX each, a GLB of both and a picture.

    python tools/demo.py [FOLDER]

Runs in Blender as a Python module, through the same operators that the add-on's panel has.
"""

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
import blender_addon  # noqa: E402  it lies beside this folder and is installed by Blender alone

PROMPT, FRAMES, SEED = "Two people dance salsa", 210, 4
COLUMNS, ROWS, TILE = 4, 2, (480, 540)
FLOOR_COLOUR, SKY_COLOUR = (0.93, 0.91, 0.88, 1.0), (0.62, 0.66, 0.70)


def main() -> None:
    """Generate, save, export, draw; say where the files are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("out"))
    parser.add_argument("--engine", default="AUTO", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    blender_addon.register()
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start, scene.frame_end = 30, 1, FRAMES
    bpy.ops.intermamba.generate(prompt=PROMPT, frames=FRAMES, seed=SEED, engine=arguments.engine)
    stage(scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "demo.blend"), compress=True, check_existing=False)
    bpy.ops.intermamba.export(filepath=str(folder / "demo"))
    draw_sheet(scene, folder / "demo.png")
    blender_addon.session.close()
    print(f"\n{PROMPT}, {FRAMES} frames, seed {SEED}, in {time.monotonic() - began:.0f} s:")
    for name in ("demo.blend", "demo_A.fbx", "demo_B.fbx", "demo.glb", "demo.json", "demo.png"):
        print(f"  {folder / name}")


def stage(scene: bpy.types.Scene) -> None:
    """A floor, a camera on the whole dance, and a look, for the .blend as for the picture."""
    mesh = bpy.data.meshes.new("Floor")
    angles = np.linspace(0.0, 2.0 * np.pi, 129)[:-1]
    rim = np.stack([40.0 * np.cos(angles), 40.0 * np.sin(angles), np.full(128, -0.002)], axis=-1)
    mesh.from_pydata(rim, [], [range(128)])
    material = bpy.data.materials.new("Floor")
    material.diffuse_color = FLOOR_COLOUR
    mesh.materials.append(material)
    scene.collection.objects.link(bpy.data.objects.new("Floor", mesh))
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.camera.data.lens = 60.0
    scene.collection.objects.link(scene.camera)
    aim(scene, 6.5)
    scene.world = bpy.data.worlds.new("World")
    scene.world.color = SKY_COLOUR
    scene.view_settings.view_transform = "Standard"
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.render_aa = "5"
    shading = scene.display.shading
    shading.light, shading.studio_light, shading.color_type = "STUDIO", "outdoor.sl", "MATERIAL"
    shading.show_shadows, shading.shadow_intensity = True, 0.35
    shading.show_cavity, shading.cavity_type = True, "WORLD"


def aim(scene: bpy.types.Scene, distance: float) -> None:
    """Turn the camera to the two dancers of this frame, from the side, so that neither hides the other."""
    a, b = (bpy.data.objects[f"InterMamba {person}"].pose.bones["pelvis"].head for person in "AB")
    side = Vector((b.y - a.y, a.x - b.x, 0.0)).normalized()
    side *= 1.0 if side.x > side.y else -1.0
    middle = Vector((0.5 * (a.x + b.x), 0.5 * (a.y + b.y), 0.88))
    scene.camera.location = middle + distance * (0.95 * side + Vector((0.0, 0.0, 0.36)))
    scene.camera.rotation_euler = (middle - scene.camera.location).to_track_quat("-Z", "Y").to_euler()


def draw_sheet(scene: bpy.types.Scene, path: Path) -> None:
    """Pictures from the whole clip, in rows, as one PNG."""
    width, height = TILE
    scene.render.resolution_x, scene.render.resolution_y = TILE
    sheet = np.ones((ROWS * height, COLUMNS * width, 4), np.float32)
    picture = path.with_name(".tile.png")
    scene.render.filepath = str(picture)
    for n, frame in enumerate(np.linspace(1, FRAMES, COLUMNS * ROWS).astype(int)):
        scene.frame_set(int(frame))
        aim(scene, 3.9)
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(str(picture))
        pixels = np.empty(4 * width * height, np.float32)
        image.pixels.foreach_get(pixels)
        bpy.data.images.remove(image)
        row, column = divmod(n, COLUMNS)
        bottom = (ROWS - 1 - row) * height
        sheet[bottom : bottom + height, column * width : (column + 1) * width] = pixels.reshape(
            height, width, 4
        )
    picture.unlink()
    image = bpy.data.images.new("sheet", COLUMNS * width, ROWS * height)
    image.pixels.foreach_set(sheet.ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()


if __name__ == "__main__":
    status = 1
    try:
        main()
        status = 0
    except RuntimeError as error:  # an operator's one sentence
        print(error, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # Blender as a module does not always survive the usual way out
