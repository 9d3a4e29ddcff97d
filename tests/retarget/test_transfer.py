"""A motion put on a rig: exact where the body is the same, the same directions where it is another one."""

from dataclasses import replace

import numpy as np
import pytest

from intermamba.errors import RetargetError
from intermamba.motion.rotations import quat_from_axis_angle, quat_to_matrix
from intermamba.motion.skeleton import (
    DEFAULT_REST,
    JOINT_NAMES,
    L_ANKLE,
    L_FOOT,
    L_HIP,
    PARENTS,
    R_ANKLE,
    R_FOOT,
    R_HIP,
)
from intermamba.retarget import Rig, map_bones, pair_frame, retarget
from intermamba.retarget.transfer import Z_UP
from tests.clips import synthetic_pair

from .rigs import MIXAMO, a_pose, directions, make_rig, posed_heads, random_spins, turned

# Bones whose direction follows the source's; soles keep their own slope.
AIMED = [k - 1 for k in range(1, 22) if k not in (L_FOOT, R_FOOT)]


@pytest.fixture(scope="module")
def motion():
    return synthetic_pair(20)


def played(motion, person, rig, frame=None):
    return posed_heads(rig, retarget(motion, person, rig, map_bones(rig), frame))


def object_matrix(location, yaw=0.0, scale=1.0, y_up=False):
    """World matrix of an armature object; `y_up` as importers leave files made for Y up."""
    matrix = np.eye(4)
    tilt = quat_to_matrix(quat_from_axis_angle(np.eye(3)[0], np.pi / 2)) if y_up else np.eye(3)
    matrix[:3, :3] = scale * quat_to_matrix(quat_from_axis_angle(np.eye(3)[2], yaw)) @ tilt
    matrix[:3, 3] = location
    return matrix


def widest_angle(a, b):
    return np.degrees(np.arccos(np.clip(np.einsum("...i,...i", a, b), -1, 1))).max()


@pytest.mark.parametrize("person", [0, 1])
def test_a_rig_with_the_motions_own_body_follows_it_exactly(motion, person):
    heads = played(motion, person, make_rig(motion.rest[person].astype(float)))
    assert np.abs(heads - motion.joints[person] @ Z_UP.T).max() < 1e-4


def test_scale_tilt_and_names_of_the_object_do_not_matter(motion):
    world = object_matrix([0, 0, 0], scale=0.01, y_up=True)
    heads = played(motion, 0, make_rig(motion.rest[0].astype(float), names=MIXAMO, world=world))
    assert np.abs(heads - motion.joints[0] @ Z_UP.T).max() < 1e-4


@pytest.mark.parametrize("rest_pose", ["T", "A", "twisted"])
def test_joint_directions_equal_the_sources_from_any_rest_pose(motion, rest_pose):
    rng = np.random.default_rng(1)
    body = DEFAULT_REST * rng.uniform(0.8, 1.3, (22, 1))
    body[[2, 5, 8, 11, 14, 17, 19, 21]] = body[[1, 4, 7, 10, 13, 16, 18, 20]] * [-1, 1, 1]
    rotations = {"T": None, "A": a_pose(), "twisted": 0.3 * random_spins(rng) + [1, 0, 0, 0]}[rest_pose]
    if rest_pose == "twisted":
        rotations[[L_ANKLE, R_ANKLE]] = [1, 0, 0, 0]
        rotations /= np.linalg.norm(rotations, axis=1, keepdims=True)
    heads = played(motion, 0, make_rig(body, rotations))
    single = [
        k - 1 for k in range(1, 22) if list(PARENTS).count(PARENTS[k]) == 1 and k not in (L_FOOT, R_FOOT)
    ]
    source = directions(motion.joints[0] @ Z_UP.T)
    assert widest_angle(directions(heads)[:, single], source[:, single]) < 0.1
    assert widest_angle(directions(heads)[:, AIMED], source[:, AIMED]) < 15.0


def test_a_flat_foot_stays_flat_whatever_its_instep(motion):
    body = DEFAULT_REST.copy()
    body[[L_FOOT, R_FOOT]] *= [1, 1.8, 1]
    rig = make_rig(body)
    heads = played(motion, 0, rig)
    rest = rig.heads()
    for ankle, toe in ((L_ANKLE, L_FOOT), (R_ANKLE, R_FOOT)):
        planted = motion.contacts[0, :, 0 if ankle == L_ANKLE else 2] > 0.5
        assert planted.any()
        drop = (heads[:, ankle] - heads[:, toe])[planted, 2]
        assert np.abs(drop - (rest[ankle] - rest[toe])[2]).max() < 0.005


def test_paths_are_scaled_by_the_legs(motion):
    heads = played(motion, 0, make_rig(0.5 * motion.rest[0].astype(float)))
    assert np.abs(heads - 0.5 * motion.joints[0] @ Z_UP.T).max() < 1e-4


def test_missing_and_extra_bones_are_passed_over(motion):
    whole = make_rig(motion.rest[0].astype(float))
    keep = [
        k for k, name in enumerate(JOINT_NAMES) if name not in ("spine2", "L_collar", "L_wrist", "R_foot")
    ]
    # A control bone above the pelvis and a twist bone between shoulder and elbow.
    names = ["control", *(JOINT_NAMES[k] for k in keep), "twist"]
    place = {k: n + 1 for n, k in enumerate(keep)}
    parents = [-1]
    for k in keep:
        above = PARENTS[k]
        while above >= 0 and above not in place:
            above = PARENTS[above]
        parents.append(place[above] if above >= 0 else 0)
    elbow, shoulder = names.index("R_elbow"), names.index("R_shoulder")
    parents[elbow] = len(names) - 1
    parents.append(shoulder)
    order = [*range(elbow), len(names) - 1, *range(elbow, len(names) - 1)]
    rest = np.concatenate([whole.rest[:1], whole.rest[keep], whole.rest[JOINT_NAMES.index("R_elbow")][None]])
    new = {old: n for n, old in enumerate(order)}
    rig = Rig(
        name="rig",
        names=tuple(names[k] for k in order),
        parents=np.array([new[parents[k]] if parents[k] >= 0 else -1 for k in order]),
        rest=rest[order],
    )
    heads = played(motion, 0, rig)
    for joint in ("R_elbow", "R_wrist", "L_ankle", "R_ankle", "head"):
        error = heads[:, rig.index(joint)] - motion.joints[0, :, JOINT_NAMES.index(joint)] @ Z_UP.T
        assert np.abs(error).max() < 0.02, joint


def test_rotations_have_no_jumps(motion):
    rig = make_rig(motion.rest[0].astype(float), a_pose())
    rotations = retarget(motion, 0, rig, map_bones(rig)).rotations
    assert (np.einsum("tni,tni->tn", rotations[1:], rotations[:-1]) > 0.9).all()


def test_the_pair_stands_where_person_a_stands_and_keeps_its_distances(motion):
    a = replace(make_rig(motion.rest[0].astype(float)), world=object_matrix([2, -1, 0.5], yaw=0.7))
    b = make_rig(motion.rest[1].astype(float), world=object_matrix([-3, 4, 0], yaw=2.0))
    frame = pair_frame(a, map_bones(a))
    for person, rig in enumerate((a, b)):
        expected = turned(motion.joints[person] @ Z_UP.T, 0.7) + np.array([2.0, -1.0, 0.5])
        assert np.abs(played(motion, person, rig, frame) - expected).max() < 1e-4


def test_a_rig_facing_away_is_turned_round(motion):
    body = motion.rest[0].astype(float)
    about = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), np.pi)
    rotations = np.zeros((22, 4))
    rotations[:, 0] = 1.0
    rotations[0] = about
    heads = played(motion, 0, make_rig(body, rotations))
    assert np.abs(heads - motion.joints[0] @ Z_UP.T).max() < 1e-4


@pytest.mark.parametrize("scale", [(-1, 1, 1), (1, 1, 2), (0, 0, 0)])
def test_mirrored_and_uneven_scales_are_refused(scale):
    with pytest.raises(RetargetError, match="apply its scale"):
        make_rig(world=np.diag([*map(float, scale), 1.0]))


def test_hips_stay_level_between_the_legs(motion):
    body = DEFAULT_REST.copy()
    body[[L_HIP, R_HIP], 1] *= 0.3
    heads = played(motion, 0, make_rig(body))
    middle = 0.5 * (motion.joints[0, :, L_HIP] + motion.joints[0, :, R_HIP]) @ Z_UP.T
    assert np.abs(0.5 * (heads[:, L_HIP] + heads[:, R_HIP]) - middle).max() < 1e-4
