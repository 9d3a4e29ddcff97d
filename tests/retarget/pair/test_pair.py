"""A pair's contacts on bodies of other proportions: kept with the layer, lost without it."""

from dataclasses import replace

import numpy as np
import pytest

from intermamba.motion.find_touches import touches_of
from intermamba.motion.metrics import penetration_depth
from intermamba.motion.skeleton import DEFAULT_REST, JOINT_NAMES, PARENTS
from intermamba.motion.touch import Touch, keep_touches
from intermamba.retarget import map_bones
from intermamba.retarget.body import Z_UP, body_of
from intermamba.retarget.pair import Contact, contact_distance, find_contacts, retarget_pair
from intermamba.retarget.pair.bodies import pair_on, source_pair
from intermamba.retarget.pair.solve import keep_contacts
from tests.motion.people import face_to_face
from tests.retarget.rigs import make_rig, posed_heads

from .pairs import EMBRACE, SHAKE, UNLIKE, arm_in_trunk, as_motion, embrace, handshake, rig, skate, toe_to_toe


@pytest.fixture(scope="module")
def motion():
    return handshake()


def solved(motion, rigs, contacts):
    bodies = [body_of(one, map_bones(one), motion.rest[n]) for n, one in enumerate(rigs)]
    source, base = source_pair(motion), pair_on(motion, tuple(bodies))
    return source, base, keep_contacts(source, base, contacts, motion.fps)


def depth(pair, contacts):
    """How deep (m) the two are in each other at the deepest, in every frame."""
    return penetration_depth(pair.joints, [contact.touch for contact in contacts], pair.girth)


def test_a_contact_is_found_as_a_span(motion):
    found = [contact for contact in find_contacts(motion) if contact.touch.point == "right_hand"]
    assert any(
        contact.touch.on == "right_hand"
        and abs(contact.touch.start - SHAKE.start) < 6
        and abs(contact.touch.stop - SHAKE.stop) < 6
        for contact in found
    )


def test_what_was_asked_for_and_is_not_there_is_no_contact(motion):
    asked = replace(motion, settings={"touches": ["hand on hand"]})
    assert find_contacts(asked) == find_contacts(motion) != []
    apart = motion.joints + np.array([0.0, 0.2])[:, None, None, None] * [1.0, 0.0, 0.0]
    assert touches_of(replace(asked, joints=apart))
    assert find_contacts(replace(asked, joints=apart)) == []


@pytest.mark.parametrize(("starts", "on"), [(48, ["left_shoulder"]), (56, ["belly", "left_shoulder"])])
def test_a_hand_has_time_to_change_its_place(starts, on):
    hand = [Touch(0, "right_hand", "belly", 20, 40), Touch(0, "right_hand", "left_shoulder", starts, 100)]
    joints = keep_touches(face_to_face(0.5, 120), hand)
    found = [contact.touch.on for contact in find_contacts(as_motion(joints, np.stack([DEFAULT_REST] * 2)))]
    assert found == on


@pytest.mark.parametrize("rigs", UNLIKE.values(), ids=UNLIKE)
def test_hands_meet_and_feet_stay_on_unlike_bodies(motion, rigs):
    contacts = [Contact(SHAKE)]
    source, base, kept = solved(motion, rigs, contacts)
    assert contact_distance(source, base, contacts)[0].min() > 0.1
    assert contact_distance(source, kept, contacts)[0].max() < 0.02
    for person in (0, 1):
        was = skate(source, person, motion.fps)
        assert skate(base, person, motion.fps) > was + 0.4
        assert skate(kept, person, motion.fps) < was + 0.3
    assert depth(kept, contacts).mean() < depth(source, contacts).mean() + 0.01


@pytest.mark.parametrize("rigs", list(UNLIKE.values())[:2], ids=list(UNLIKE)[:2])
def test_arms_go_round_an_unlike_body_and_not_through_it(rigs):
    contacts = [Contact(touch) for touch in EMBRACE]
    source, _, kept = solved(embrace(), rigs, contacts)
    assert max(off.max() for off in contact_distance(source, kept, contacts)) < 0.02
    assert arm_in_trunk(kept).max() < arm_in_trunk(source).max() + 0.01
    assert depth(kept, contacts).max() < depth(source, contacts).max() + 0.01


@pytest.mark.parametrize("rigs", list(UNLIKE.values())[:2], ids=list(UNLIKE)[:2])
def test_one_who_is_too_small_for_an_embrace_stands_all_the_same(rigs):
    motion = embrace()
    source, _, kept = solved(motion, rigs, [Contact(touch) for touch in EMBRACE])
    for person in (0, 1):
        assert skate(kept, person, motion.fps) < skate(source, person, motion.fps) + 0.1


@pytest.mark.parametrize("rigs", list(UNLIKE.values())[:2], ids=list(UNLIKE)[:2])
def test_feet_that_would_stand_in_each_other_stand_apart_and_do_not_slide(rigs):
    motion = toe_to_toe()
    source, base, kept = solved(motion, rigs, [])
    assert depth(source, []).max() == 0.0
    assert depth(base, [])[-12:].min() > 0.02
    assert depth(kept, [])[-12:].max() < 0.005
    for person in (0, 1):
        assert skate(kept, person, motion.fps) < skate(source, person, motion.fps) + 0.1


def test_the_layer_on_the_base_brings_the_rigs_hands_together(motion):
    rigs = UNLIKE["tall and small"]
    maps = [map_bones(one) for one in rigs]
    made = retarget_pair(motion, rigs, tuple(maps), contacts=[Contact(SHAKE)])
    (before, after) = made.missed[0]
    assert before > 0.1
    assert after < 0.02
    _, base, kept = solved(motion, rigs, made.contacts)
    for person, one in enumerate(rigs):
        pose, baked = made.base[person], made.whole()[person]
        at = [one.index(name) for name in JOINT_NAMES]
        assert np.abs(posed_heads(one, pose)[:, at] - base.joints[person] @ Z_UP.T).max() < 1e-3
        assert np.abs(posed_heads(one, baked)[:, at] - kept.joints[person] @ Z_UP.T).max() < 1e-3


def test_bodies_like_the_sources_need_hardly_any_layer(motion):
    rigs = tuple(make_rig(rest.astype(float)) for rest in motion.rest)
    source, base, kept = solved(motion, rigs, find_contacts(motion))
    assert np.abs(base.joints - source.joints).max() < 1e-3
    assert np.abs(kept.joints - source.joints).max() < 0.02
    maps = [map_bones(one) for one in rigs]
    assert retarget_pair(motion, rigs, tuple(maps)).layer is None


def test_a_contact_of_no_strength_is_let_go(motion):
    contacts = [Contact(SHAKE, 0.0)]
    source, base, kept = solved(motion, UNLIKE["tall and small"], contacts)
    lost = [contact_distance(source, pair, contacts)[0].mean() for pair in (base, kept)]
    assert lost[1] > 0.5 * lost[0]


def test_what_is_out_of_reach_tears_nothing(motion):
    apart = handshake()
    apart.root[1] += [0.0, 0.0, 3.0]
    apart.joints[1] += [0.0, 0.0, 3.0]
    rigs = (rig(1.0, 0.3), rig(0.7, 0.3))
    _, base, kept = solved(motion, rigs, [Contact(SHAKE)])
    lengths = [
        np.linalg.norm(pair.joints[:, :, 1:] - pair.joints[:, :, PARENTS[1:]], axis=-1)
        for pair in (base, kept)
    ]
    assert np.abs(lengths[1] - lengths[0]).max() < 1e-6
    assert np.abs(np.diff(kept.joints, axis=1)).max() < 0.25
    toes = kept.joints[:, :, (10, 11), 1] - kept.sole[:, None, None]
    assert toes.min() > -0.02


def test_the_solver_is_smooth_in_time(motion):
    _, base, kept = solved(motion, UNLIKE["small and tall"], [Contact(SHAKE)])
    jerk = [np.abs(np.diff(pair.joints, n=3, axis=1)).max() for pair in (base, kept)]
    assert jerk[1] < jerk[0] + 0.1


def test_a_hand_goes_from_one_contact_to_the_next(motion):
    then = Touch(0, "right_hand", "right_forearm", SHAKE.stop + 3, SHAKE.stop + 10)
    contacts = [Contact(SHAKE), Contact(then)]
    source, base, kept = solved(motion, UNLIKE["tall and small"], contacts)
    assert min(off.min() for off in contact_distance(source, base, contacts)) > 0.1
    assert max(off.max() for off in contact_distance(source, kept, contacts)) < 0.02
    jerk = [np.abs(np.diff(pair.joints, n=3, axis=1)).max() for pair in (base, kept)]
    assert jerk[1] < jerk[0] + 0.1
