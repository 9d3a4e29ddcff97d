"""Limbs of Rigify and of a rig like Auto-Rig Pro's, baked to IK controls and back, at once or moment by moment."""

import inspect
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from blender_addon.actions import bags_of, is_untouched
from blender_addon.controls_operator import INTERMAMBA_OT_bake_controls
from blender_addon.jobs import session
from blender_addon.layers import layer_track
from blender_addon.placing import place_motion
from blender_addon.reporting import Reporting

from .arp_rig import make_arp_rig

LIMBS = [f"DEF-{bone}.{side}" for bone in ("forearm", "hand", "shin", "foot", "toe") for side in "LR"]


def posed(rigs, bones=LIMBS, frames=(1, 9, 20, 33, 40)):
    """Poses (rig, frame, bone, 4, 4) of deforming bones."""
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        out.append(np.array([[ob.pose.bones[bone].matrix for bone in bones] for ob in rigs]))
    return np.array(out).swapaxes(0, 1)


def apart(poses, others):
    """The greatest distance in metres, and turn in degrees, between poses (..., 4, 4)."""
    turn = np.swapaxes(poses[..., :3, :3], -1, -2) @ others[..., :3, :3]
    cosine = 0.5 * (np.trace(turn, axis1=-2, axis2=-1) - 1.0)
    return (
        np.linalg.norm(poses[..., :3, 3] - others[..., :3, 3], axis=-1).max(),
        np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))).max(),
    )


@pytest.fixture
def playing_rigs(scene, rigs, motion):
    """Two Rigify rigs that play the motion."""
    place_motion(bpy.context, motion, tuple(rigs), 1)
    scene.intermamba.person_a, scene.intermamba.person_b = rigs
    return rigs


@pytest.fixture
def arp_rigs(scene, motion):
    """Two rigs with the names of Auto-Rig Pro that play the motion."""
    made = [make_arp_rig("First"), make_arp_rig("Second")]
    place_motion(bpy.context, motion, tuple(made), 1)
    scene.intermamba.person_a, scene.intermamba.person_b = made
    return made


def test_rigify_limbs_are_baked_to_ik_controls_and_back(scene, playing_rigs):
    rigs = playing_rigs
    before, frame = posed(rigs), scene.frame_current
    held = sorted(action.name for action in bpy.data.actions if "contacts" not in action.name)
    assert bpy.ops.intermamba.bake_controls(kind="IK") == {"FINISHED"}
    assert scene.frame_current == frame
    assert len(bpy.data.scenes) == 1
    assert sorted(action.name for action in bpy.data.actions) == held
    for ob in rigs:
        assert ob.pose.bones["upper_arm_parent.L"]["IK_FK"] == 0.0
        ob.pose.bones["upper_arm_fk.L"].rotation_quaternion = (0, 1, 0, 0)
    after = posed(rigs)
    assert apart(before, after)[0] < 0.03  # Rigify's IK shortens bent limbs
    ends = [n for n, bone in enumerate(LIMBS) if "hand" in bone or "foot" in bone or "toe" in bone]
    assert apart(before[:, :, ends], after[:, :, ends])[0] < 0.002
    assert apart(before[:, :, ends], after[:, :, ends])[1] < 1.0
    assert bpy.ops.intermamba.bake_controls(kind="FK") == {"FINISHED"}
    back = posed(rigs)
    assert rigs[0].pose.bones["thigh_parent.R"]["IK_FK"] == 1.0
    assert apart(before, back)[0] < 0.002
    assert apart(before[:, :, ends], back[:, :, ends])[1] < 1.0


def test_ik_hands_stay_where_they_are_when_the_body_is_moved(scene, playing_rigs):
    rigs = playing_rigs
    hands = ["DEF-hand.L", "DEF-hand.R", "DEF-foot.L"]
    bpy.ops.intermamba.bake_controls(kind="IK")
    before = posed(rigs, hands, (20,))
    ob = rigs[0]
    bag = bags_of(ob.animation_data.action)[0]
    bag.fcurves.find('pose.bones["torso"].location', index=1).keyframe_points[19].co.y += 0.03
    assert apart(before, posed(rigs, hands, (20,)))[0] < 0.02


ARP_LIMBS = [f"{bone}.{side}" for bone in ("forearm", "hand", "leg", "foot", "toes_01") for side in "lr"]
ARP_ENDS = [n for n, bone in enumerate(ARP_LIMBS) if "arm" not in bone and "leg" not in bone]


def test_limbs_like_auto_rig_pros_are_baked_to_ik_controls_and_back(scene, arp_rigs):
    before = posed(arp_rigs, ARP_LIMBS)
    heel = arp_rigs[0].pose.bones["c_foot_01.l"]  # as somebody may have left it
    heel.rotation_mode, heel.rotation_euler = "XYZ", (0.5, 0.0, 0.0)
    for kind, value, other in (("IK", 0.0, "c_arm_fk.l"), ("FK", 1.0, "c_hand_ik.l")):
        assert bpy.ops.intermamba.bake_controls(kind=kind) == {"FINISHED"}
        for ob in arp_rigs:
            ob.pose.bones[other].matrix_basis.identity()
        after = posed(arp_rigs, ARP_LIMBS)
        assert arp_rigs[0].pose.bones["c_foot_ik.r"]["ik_fk_switch"] == value
        assert apart(before, after)[0] < 0.001
        assert apart(before[:, :, ARP_ENDS], after[:, :, ARP_ENDS])[1] < 0.2


def test_ik_controls_that_hang_on_others_are_where_they_belong_when_these_move(scene, arp_rigs):
    bpy.ops.intermamba.bake_controls(kind="IK")
    ob = arp_rigs[0]
    before = posed([ob], ARP_LIMBS, (20,))
    ob.location.x += 1.0
    assert apart(before, posed([ob], ARP_LIMBS, (20,)))[0] < 1e-5
    moved = ob.pose.bones["c_traj"]
    moved.location = (0.0, 0.0, 0.2)
    lifted = posed([ob], ["hand.l", "foot.r"], (20,))[0, 0, :, 2, 3] - before[0, 0, [2, 7], 2, 3]
    assert np.allclose(lifted, 0.2, atol=1e-3)


def test_a_control_that_hangs_on_another_object_is_refused(scene, arp_rigs):
    prop = bpy.data.objects.new("Cart", None)
    hold = arp_rigs[1].pose.bones["c_hand_ik.r"].constraints.new("CHILD_OF")
    hold.target = prop
    with pytest.raises(RuntimeError, match=r'"c_hand_ik\.r" of "Second" hangs on "Cart"'):
        bpy.ops.intermamba.bake_controls(kind="IK")
    assert all(is_untouched(ob.animation_data.action) for ob in arp_rigs)
    hold.mute = True
    assert bpy.ops.intermamba.bake_controls(kind="IK") == {"FINISHED"}


def in_a_window(said):
    """The operator as Blender's window runs it, and a context that notes the status bar's texts."""
    functions = {n: f for n, f in vars(INTERMAMBA_OT_bake_controls).items() if inspect.isfunction(f)}
    operator = type("Bake", (Reporting,), functions)()
    operator.part, operator.kind, operator.report = "pair", "IK", lambda *_: None
    manager = SimpleNamespace(
        event_timer_add=lambda *_, **__: "timer",
        event_timer_remove=lambda timer: said.append(timer),
        modal_handler_add=lambda _: None,
    )
    workspace = SimpleNamespace(status_text_set=said.append)
    context = SimpleNamespace(
        scene=bpy.context.scene, window=None, window_manager=manager, workspace=workspace
    )
    return operator, context


def test_a_window_bakes_moment_by_moment_and_says_how_far_it_is(scene, arp_rigs, monkeypatch):
    monkeypatch.setattr("blender_addon.controls_operator.MOMENT", 0.0)
    operator, context = in_a_window(said := [])
    assert operator.invoke(context, None) == {"RUNNING_MODAL"}
    tick = SimpleNamespace(type="TIMER")
    results = [operator.modal(context, SimpleNamespace(type="MOUSEMOVE"))]
    while results[-1] == {"RUNNING_MODAL"}:
        results.append(operator.modal(context, tick))
    assert results[-1] == {"FINISHED"}
    assert said[0] == "Reading the rigs: 2% (Esc: cancel)"
    assert len(said) == 40 + 2  # a frame at a time
    assert said[-2:] == ["timer", None]
    assert session.note == "Arms and legs are keyed on IK controls"
    assert len(bpy.data.scenes) == 1


def test_esc_ends_a_bake_within_one_moment_and_leaves_all_as_it_was(scene, arp_rigs, monkeypatch):
    monkeypatch.setattr("blender_addon.controls_operator.MOMENT", 0.0)
    operator, context = in_a_window(said := [])
    before = posed(arp_rigs, ARP_LIMBS)
    operator.invoke(context, None)
    for _ in range(5):
        operator.modal(context, SimpleNamespace(type="TIMER"))
    assert len(bpy.data.scenes) == 2
    assert operator.modal(context, SimpleNamespace(type="ESC")) == {"CANCELLED"}
    assert said[-2:] == ["timer", None]
    assert len(bpy.data.scenes) == 1
    assert all(is_untouched(ob.animation_data.action) and layer_track(ob) for ob in arp_rigs)
    assert apart(before, posed(arp_rigs, ARP_LIMBS))[0] == 0.0


def test_other_rigs_have_no_controls_to_bake(scene, motion):
    place_motion(bpy.context, motion, (None, None), 1)
    assert not bpy.ops.intermamba.bake_controls.poll()
