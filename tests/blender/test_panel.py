"""The panel: what it draws without a window, where it says what went wrong, and that everything has a tooltip."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

import blender_addon
from blender_addon import jobs
from blender_addon.placing import APART
from blender_addon.takes import place_takes

from .scenes import add_armature, joints_of, mannequins

ops = bpy.ops.intermamba


ICONS = bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items


class Layout:
    """Stands for Blender's UILayout: notes what is drawn, and fails for what does not exist."""

    def __init__(self, drawn=None):
        self.drawn = [] if drawn is None else drawn

    def row(self, **_):
        return Layout(self.drawn)

    column = box = split = row

    def label(self, *, text, icon="NONE"):
        assert icon in ICONS, icon
        self.drawn.append(text)

    def separator(self, **_):
        pass

    def menu(self, name):
        assert hasattr(bpy.types, name), name
        self.drawn.append(name)

    def progress(self, *, factor, text):
        assert 0.0 <= factor <= 1.0
        self.drawn.append(text)

    def prop(self, owner, name, icon="NONE", **_):
        assert icon in ICONS, icon
        assert name in owner.bl_rna.properties, name
        self.drawn.append(f"{owner.bl_rna.identifier}.{name}")

    def prop_search(self, owner, name, *_, **__):
        self.prop(owner, name)

    def operator(self, name, icon="NONE", **_):
        assert icon in ICONS, icon
        assert name.removeprefix("intermamba.") in dir(ops), name
        self.drawn.append(name)
        return SimpleNamespace()

    def template_icon_view(self, owner, name, **_):
        self.prop(owner, name)
        assert getattr(owner, name) in ("", *map(str, range(99)))

    def template_list(self, kind, _, owner, items, active_owner, active, **__):
        assert hasattr(bpy.types, kind)
        for item in getattr(owner, items):
            getattr(bpy.types, kind).draw_item(
                None, context(), Layout(self.drawn), owner, item, 0, active_owner, active
            )


def context():
    system = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))
    region = SimpleNamespace(width=10_000)  # no sentence is broken
    return SimpleNamespace(scene=bpy.context.scene, mode=bpy.context.mode, preferences=system, region=region)


PANELS = [
    cls
    for module in blender_addon._MODULES
    for cls in module.CLASSES
    if issubclass(cls, bpy.types.Panel) and hasattr(cls, "bl_label")
]


def drawn(panel):
    layout = Layout()
    if hasattr(panel, "poll") and not panel.poll(context()):
        return []
    panel.draw(SimpleNamespace(layout=layout), context())
    return layout.drawn


def everything():
    return [item for panel in PANELS for item in drawn(panel)]


def test_the_first_thing_seen_is_how_to_begin(scene):
    main = drawn(bpy.types.INTERMAMBA_PT_main)
    assert "Add two characters" in main[0]
    assert main.index("intermamba.add_characters") < main.index("intermamba.generate")


def test_two_characters_stand_face_to_face_at_the_cursor(scene):
    scene.cursor.location = (3.0, 1.0, 0.5)
    assert ops.add_characters() == {"FINISHED"}
    a, b = (joints_of(ob, (1,))[0] for ob in mannequins())
    assert np.allclose(a[0, :2] + b[0, :2], (6.0, 2.0), atol=0.1)
    assert np.linalg.norm(a[0] - b[0]) == pytest.approx(APART, abs=0.1)
    assert min(a[:, 2].min(), b[:, 2].min()) == pytest.approx(0.5, abs=0.05)
    for own, other in ((a, b), (b, a)):
        toes, ankles = own[[10, 11]].mean(axis=0), own[[7, 8]].mean(axis=0)
        assert (toes - ankles) @ (other[0] - own[0]) > 0.05
    assert not ops.add_characters.poll()
    assert "intermamba.add_characters" not in everything()
    armatures = len(bpy.data.armatures)
    assert ops.generate("EXEC_DEFAULT", prompt="they wave", frames=32, engine="FAKE") == {"FINISHED"}
    assert len(bpy.data.armatures) == armatures


def test_the_characters_are_the_models_own_so_that_nothing_needs_correction(scene):
    from intermamba.bundles.bundle import load_bundle

    ops.add_characters()
    rest = load_bundle().rest
    joints = joints_of(mannequins()[0], (1,))[0]
    thigh = np.linalg.norm(joints[4] - joints[1])
    assert thigh == pytest.approx(np.linalg.norm(rest[4]), abs=1e-4)


def test_a_motion_and_its_parts_are_drawn(scene, motion):
    assert everything()
    place_takes(bpy.context, [motion], (None, None), 1)
    shown = everything()
    for name in ("contacts_update", "apply_take", "mirror_pair", "export"):
        assert f"intermamba.{name}" in shown


def test_a_job_is_drawn(scene, monkeypatch):
    request = jobs.Request(prompt="they wave", frames=32, seed=1, steps=1000)
    jobs.session.start(request, jobs.Target.of(bpy.context), "FAKE")
    shown = everything()
    assert "intermamba.cancel" in shown
    assert "intermamba.generate" not in shown
    monkeypatch.setattr(jobs, "SILENCE", -1.0)
    assert any("Nothing was heard" in item for item in everything())


def test_a_warning_stands_beside_its_prompt_alone(scene):
    jobs.session.warning, jobs.session.prompt = "Far from it.", "they swim"
    scene.intermamba.prompt = " they swim "
    assert "Far from it." in everything()
    scene.intermamba.prompt = "they walk"
    assert "Far from it." not in everything()


def wrongly(part):
    """Let an action of a part of the panel fail."""
    scene = bpy.context.scene
    match part:
        case "generate":
            ops.generate("EXEC_DEFAULT", prompt=" ")
        case "contacts":
            scene.intermamba_contacts.motion = ""
            ops.contacts_update()
        case "bones":
            scene.intermamba.person_a = add_armature("Door", {"hinge": (0, 0, 0)})
            ops.bones_save()
        case "takes":
            ops.keep_starred()
        case "pair":
            ops.place_pair(where="EMPTIES")
        case "export":
            ops.export(filepath="/")


PARTS = {
    "generate": "main", "export": "main", "contacts": "contacts", "bones": "bones", "takes": "takes", "pair": "pair",
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_what_went_wrong_stands_beside_its_button_alone(scene, motion, part):
    place_takes(bpy.context, [motion], (None, None), 1)
    with pytest.raises(RuntimeError):
        wrongly(part)
    assert jobs.session.error
    words = jobs.session.error
    places = [panel.bl_idname for panel in PANELS if any(words in item for item in drawn(panel))]
    assert places == [f"INTERMAMBA_PT_{PARTS[part]}"]
    ops.apply_take() if part != "bones" else ops.bones_edit()
    assert not any(words in item for item in everything())


WITH_THE_PANEL_ALONE = {
    "new_seed",
    "bones_edit",
    "bones_reset",
    "bones_save",
    "bones_forget",
    "copy_setup_command",
}


def test_f3_finds_everything(scene):
    menu = Layout()
    bpy.types.INTERMAMBA_MT_main.draw(SimpleNamespace(layout=menu), context())
    classes = [cls for module in blender_addon._MODULES for cls in module.CLASSES]
    internal = {
        cls.bl_idname.removeprefix("intermamba.")
        for cls in classes
        if "INTERNAL" in getattr(cls, "bl_options", ())
    }
    assert internal == WITH_THE_PANEL_ALONE | {"place"}  # which is the timer's
    assert {f"intermamba.{name}" for name in set(dir(ops)) - internal} == set(menu.drawn)
    for where in ("VIEW3D_MT_object", "VIEW3D_MT_pose"):
        drawn_there = Layout()
        for draw in getattr(bpy.types, where).draw._draw_funcs:
            if draw.__module__.startswith("blender_addon"):
                draw(SimpleNamespace(layout=drawn_there), context())
        assert drawn_there.drawn == ["INTERMAMBA_MT_main"]


def test_everything_has_a_tooltip(scene):
    classes = [cls for module in blender_addon._MODULES for cls in module.CLASSES]
    operators = [getattr(ops, name).get_rna_type() for name in dir(ops)]
    assert len(operators) == sum(issubclass(cls, bpy.types.Operator) for cls in classes) > 20
    assert [operator.identifier for operator in operators if not operator.description] == []
    groups = [cls for cls in classes if issubclass(cls, bpy.types.PropertyGroup | bpy.types.AddonPreferences)]
    properties = [
        (kind, item)
        for kind in (*operators, *(cls.bl_rna for cls in groups))
        for item in kind.properties
        if item.identifier not in ("rna_type", "name", "bl_idname")
    ]
    properties += [
        (owner.bl_rna, item)
        for owner in (bpy.types.Scene, bpy.types.Object)
        for item in owner.bl_rna.properties
        if item.identifier.startswith("intermamba")
    ]
    assert {kind.identifier for kind, _ in properties} >= {cls.__name__ for cls in groups}
    texts = {f"{kind.identifier}.{item.identifier}": item.description for kind, item in properties}
    for kind, item in properties:
        for choice in item.enum_items if item.type == "ENUM" else ():
            texts[f"{kind.identifier}.{item.identifier} {choice.identifier}"] = choice.description
    assert [name for name, text in texts.items() if not text] == []
