"""Contacts on two armatures of other sizes: kept by a layer that can be edited, muted and baked."""

import bpy
import numpy as np
import pytest

from blender_addon.contacts import solve_again
from blender_addon.layers import layer_track, remove_layer
from blender_addon.placing import place_motion
from blender_addon.rigs import PERSON_KEY, make_mannequin
from intermamba.errors import IntermambaError
from intermamba.motion.skeleton import DEFAULT_REST, R_ELBOW, R_WRIST
from tests.retarget.pair.pairs import SHAKE, handshake

from .scenes import joints_of

START = 5
SHAKING = range(START + SHAKE.start + 2, START + SHAKE.stop - 2, 3)


def add_person(size, name):
    ob = make_mannequin(bpy.context, "A", size * DEFAULT_REST)
    del ob[PERSON_KEY]
    ob.name = name
    return ob


@pytest.fixture
def people(scene):
    """A 1.9 m and a 1.2 m character who shake hands."""
    pair = add_person(1.12, "Tall"), add_person(0.7, "Small")
    scene.intermamba.person_a, scene.intermamba.person_b = pair
    place_motion(bpy.context, handshake(), pair, START)
    return pair


def between_hands(people):
    """Distance (T,) of the middles of the two right hands, 9 cm of an adult beyond the wrist."""
    at = []
    for ob, size in zip(people, (1.12, 0.7), strict=True):
        joints = joints_of(ob, SHAKING)
        along = joints[:, R_WRIST] - joints[:, R_ELBOW]
        along /= np.linalg.norm(along, axis=-1, keepdims=True)
        at.append(joints[:, R_WRIST] + 0.085 * size * along)
    return np.linalg.norm(at[0] - at[1], axis=-1)


def test_hands_meet_with_the_layer_and_not_without(people):
    assert between_hands(people).max() < 0.03
    bpy.ops.intermamba.layer_mute()
    assert between_hands(people).min() > 0.1
    bpy.ops.intermamba.layer_mute()
    assert between_hands(people).max() < 0.03
    for ob in people:
        assert ob.animation_data.action.name.startswith("IM_two_people_shake_hands_0_")


def test_baking_keeps_the_pose_and_takes_the_track_away(people):
    frames = range(START, START + 56, 5)
    before = [joints_of(ob, frames) for ob in people]
    bpy.ops.intermamba.layer_bake()
    assert [layer_track(ob) for ob in people] == [None, None]
    for ob, joints in zip(people, before, strict=True):
        assert ob.animation_data.action_blend_type == "REPLACE"
        assert np.abs(joints_of(ob, frames) - joints).max() < 1e-3
    assert not bpy.ops.intermamba.layer_bake.poll()


def test_a_contact_is_listed_muted_and_kept_again(scene, people):
    rows = scene.intermamba_contacts.items
    row = next(row for row in rows if row.point == row.on == "right_hand")
    assert row.person == "A"
    assert abs(row.start - START - SHAKE.start) < 6
    assert row.missed < 0.02
    for one in rows:
        one.use = False
    solve_again(bpy.context)
    assert between_hands(people).min() > 0.05
    row.use = True
    assert bpy.ops.intermamba.contacts_update() == {"FINISHED"}
    assert between_hands(people).max() < 0.03


def test_a_contact_is_added_and_removed(scene, people):
    listed = scene.intermamba_contacts
    count = len(listed.items)
    scene.frame_set(30)
    bpy.ops.intermamba.contacts_add()
    assert (len(listed.items), listed.items[-1].start) == (count + 1, 30)
    bpy.ops.intermamba.contacts_remove()
    assert len(listed.items) == count


def test_contacts_are_marked_in_the_timeline_beside_the_users_own_markers(scene, people):
    listed = scene.intermamba_contacts

    def marked():
        return sorted((marker.frame, marker.name) for marker in scene.timeline_markers)

    def wanted():
        return sorted(
            (frame, f"{row.person} {row.point} {verb} {row.on}".replace("_", " "))
            for row in listed.items
            if row.use
            for verb, frame in (("touches", row.start), ("leaves", row.stop))
        )

    mine = [(1, "A right hand"), (7, "cut")]
    for frame, name in mine:
        scene.timeline_markers.new(name, frame=frame)
    assert marked() == mine
    listed.markers = True
    assert len(wanted()) == 2 * len(listed.items) > 0
    assert marked() == sorted(mine + wanted())
    listed.items[0].start += 3
    listed.items[0].use = len(listed.items) == 1
    assert marked() == sorted(mine + wanted())
    bpy.ops.intermamba.contacts_add()
    assert marked() == sorted(mine + wanted())
    bpy.ops.intermamba.contacts_remove()
    place_motion(bpy.context, handshake(), people, START)
    assert marked() == sorted(mine + wanted())
    renamed = next(marker for marker in scene.timeline_markers if "touches" in marker.name)
    renamed.name = "the shake"
    listed.markers = False
    assert marked() == sorted([*mine, (renamed.frame, "the shake")])


def test_placing_again_replaces_the_layer(scene, people):
    mine = people[0].animation_data.nla_tracks.new()
    mine.name = "mine"
    actions = len(bpy.data.actions)
    place_motion(bpy.context, handshake(), people, START)
    assert len(bpy.data.actions) == actions
    assert sorted(track.name for track in people[0].animation_data.nla_tracks) == [
        "InterMamba contacts",
        "mine",
    ]


def test_people_like_the_motions_own_get_no_layer(scene):
    place_motion(bpy.context, handshake(), (None, None), START)
    for name in ("InterMamba A", "InterMamba B"):
        animation = bpy.data.objects[name].animation_data
        assert not animation.nla_tracks
        assert animation.action_blend_type == "REPLACE"


def test_a_contact_that_ends_before_it_starts_is_told(scene, people):
    row = scene.intermamba_contacts.items[0]
    row.start, row.stop = 30, 20
    with pytest.raises(RuntimeError, match="ends in frame 20, before its start in 30: change From or To"):
        bpy.ops.intermamba.contacts_update()
    assert layer_track(people[0])


def test_a_saved_file_corrects_its_contacts_again(scene, people, tmp_path):
    before = between_hands(people)
    path = str(tmp_path / "shake.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    people = [bpy.data.objects[name] for name in ("Tall", "Small")]
    for ob in people:
        remove_layer(ob)
    assert between_hands(people).min() > 0.1
    assert bpy.ops.intermamba.contacts_update() == {"FINISHED"}
    assert np.abs(between_hands(people) - before).max() < 1e-3


def test_without_a_motion_the_way_out_is_told(scene, people):
    people[0].animation_data.action = bpy.data.actions.new("mine")
    with pytest.raises(IntermambaError, match="generate one"):
        solve_again(bpy.context)
    assert layer_track(people[1])
