"""What each engine wants of a clip. Nothing here needs bpy."""

from dataclasses import dataclass

from intermamba.retarget.root_motion import Origin, Root

PRESETS = (
    ("GENERIC", "Generic", "As in the scene: FBX and GLB, the hips carry the travel"),
    ("UNREAL", "Unreal", "FBX in centimetres; a root bone for root motion, a bone that follows the partner"),
    ("UNITY", "Unity", "FBX in metres; a root bone for root motion"),
    ("GODOT", "Godot", "GLB of both, one animation; a root bone for root motion"),
)
FORMATS = (
    ("FBX", "FBX", "One file for each person"),
    ("GLB", "GLB", "One file with both people, as one animation"),
    ("BVH", "BVH", "One text file of bones for each person"),
    ("USD", "USD", "One file with both people"),
)
ROOTS = (
    ("HIPS", "Hips", "The hips carry all travel, as the rig is"),
    ("ROOT", "Root Bone", "A bone on the floor below the hips travels and turns with the body"),
    ("IN_PLACE", "In Place", "Nobody travels; the sidecar file tells the path"),
)
ORIGINS = (
    ("SCENE", "Scene", "Everybody stands where they stand in the scene"),
    ("PAIR", "Pair", "Person A starts at the origin, person B where they stand from A"),
    ("OWN", "Own", "Each person starts at the origin; the sidecar file tells where B stands from A"),
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to export: see FORMATS, ROOTS and ORIGINS.

    sync_bone: a bone that shows where the partner's root is, in every frame; deform_only: leave out bones that deform
    nothing; centimetres: the unit of FBX files, else metres; armature: the name of the armature in FBX files, else the
    object's own.
    """

    formats: frozenset[str]
    root: Root = "ROOT"
    origin: Origin = "OWN"
    sync_bone: bool = False
    deform_only: bool = True
    centimetres: bool = False
    armature: str = ""


OPTIONS = {
    "GENERIC": Options(formats=frozenset({"FBX", "GLB"}), root="HIPS", origin="SCENE", deform_only=False),
    # Unreal makes a bone of an armature object unless it has this name.
    "UNREAL": Options(formats=frozenset({"FBX"}), sync_bone=True, centimetres=True, armature="Armature"),
    "UNITY": Options(formats=frozenset({"FBX"})),
    "GODOT": Options(formats=frozenset({"GLB"}), origin="PAIR"),
}
