"""Takes are kept in the file and go on any armatures; the pair is changed and moved as one."""

import json
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from blender_addon import jobs, thumbnails
from blender_addon.jobs import Request, Target
from blender_addon.pair_tools import INTERMAMBA_OT_place_pair
from blender_addon.panel import progress_text
from blender_addon.takes import motion_of_take, place_takes
from blender_addon.thumbnails import CELL, COLOURS, picture
from intermamba.motion.skeleton import L_WRIST, PELVIS, R_WRIST
from intermamba.worker.client import Message

from .scenes import in_blender, joints_of, mannequins, pump_until

ops = bpy.ops.intermamba


def generate(**settings):
    return ops.generate("EXEC_DEFAULT", prompt="two people wave", frames=32, engine="FAKE", **settings)


def takes():
    return bpy.context.scene.intermamba.takes


@pytest.fixture
def placed(scene, motion):
    place_takes(bpy.context, [motion], (None, None), 1)
    return mannequins()


def both(frame=20):
    return np.array([joints_of(ob, (frame,))[0] for ob in mannequins()])


def test_several_seeds_at_a_time_are_kept_and_the_first_is_played(scene):
    assert generate(seed=4, takes=3) == {"FINISHED"}
    assert [(take.prompt, take.seed) for take in takes()] == [("two people wave", seed) for seed in (4, 5, 6)]
    assert takes()[0].name == "two people wave (4)"
    assert [ob.animation_data.action.name[-3:] for ob in mannequins()] == ["4_A", "4_B"]
    assert len(bpy.data.actions) == 2


def test_the_timer_brings_several_takes_in_one_step(scene):
    scene.intermamba.seeds = 3
    request = Request(prompt="two people wave", frames=32, seed=1)
    jobs.session.start(request, Target.of(bpy.context), "FAKE", takes=3)
    progress = []
    pump_until(lambda: progress.append(jobs.session.job.progress) or jobs.session.job.motions)
    assert not takes()  # nothing is placed before all are there
    pump_until(lambda: jobs.session.job is None)
    assert [take.seed for take in takes()] == [1, 2, 3]
    assert scene.intermamba.take == 0
    assert progress == sorted(progress)
    assert jobs.session.note == "Frames 1 to 32, take 1 of 3"


def test_the_time_left_is_that_of_all_takes(scene, motion):
    requests = jobs.takes_of(Request(prompt="two people wave", frames=32, seed=1), 3)
    job = jobs.Job("one", Target.of(bpy.context), "FAKE", requests)

    def shown(step, eta):
        job.hear(Message("progress", {"job": "one", "step": step, "total": 10, "eta": eta}))
        return progress_text(job)

    job.hear(Message("progress", {"job": "one", "step": 0, "total": 0, "phase": "loading"}))
    assert (job.left, progress_text(job)) == (None, "Loading the model")
    assert shown(4, 12.0) == "Take 1 of 3, step 4 of 10, 52 s left"  # 2 s for each of 26 steps
    assert shown(10, 0.0) == "Take 1 of 3, step 10 of 10, 40 s left"
    job.motions.append(motion)
    assert shown(0, None).endswith("40 s left")
    assert shown(5, 25.0).endswith("75 s left")  # at the pace of now
    assert shown(1, 90.0).endswith("3 min left")
    job.motions.append(motion)
    assert shown(10, 0.0) == "Take 3 of 3, step 10 of 10, 0 s left"


def test_the_same_seed_replaces_its_take_and_leaves_the_star(scene):
    generate(seed=1)
    generate(seed=2)
    takes()[0].star, takes()[0].swapped = True, True
    generate(seed=1)
    assert [(take.seed, take.star, take.swapped) for take in takes()] == [(1, True, False), (2, False, False)]
    assert scene.intermamba.take == 0


def test_a_saved_file_brings_its_takes_back(placed, motion, tmp_path):
    path = str(tmp_path / "duet.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    kept = motion_of_take(takes()[0])
    assert np.abs(kept.joints - motion.joints).max() < 2e-4
    assert kept.settings == motion.settings


def test_a_take_goes_on_other_armatures_without_generating(scene, placed, motion):
    copies = []
    for ob in placed:
        copy = ob.copy()
        copy.animation_data_clear()
        del copy["intermamba_person"]
        copy.location = (3, 0, 0)
        scene.collection.objects.link(copy)
        copies.append(copy)
    scene.intermamba.person_a, scene.intermamba.person_b = copies
    scene.frame_set(11)
    assert ops.apply_take() == {"FINISHED"}
    for person, ob in enumerate(copies):
        read = joints_of(ob, (11, 30))
        assert np.abs(read - in_blender(motion.joints[person, [0, 19]]) - [3, 0, 0]).max() < 1e-3
    assert not jobs.session._client


def test_another_take_starts_where_the_present_one_does(scene, motion):
    place_takes(bpy.context, [motion, type(motion)(**{**vars(motion), "seed": 1})], (None, None), 7)
    scene.frame_set(30)
    scene.intermamba.take = 1
    ops.apply_take()
    assert mannequins()[0].animation_data.action.name.endswith("_1_A")
    assert tuple(mannequins()[0].animation_data.action.frame_range) == (7.0, 46.0)


def test_deleting_leaves_what_is_played_and_what_was_edited(scene):
    generate(seed=1, takes=3)
    for n in (1, 2):
        scene.intermamba.take = n
        ops.apply_take()
    edited = bpy.data.actions["IM_two_people_wave_1_A"]
    bag = edited.layers[0].strips[0].channelbags[0] if hasattr(edited, "layers") else edited
    bag.fcurves[0].keyframe_points[3].co.y += 0.25
    for seed in (1, 2, 3):
        scene.intermamba.take = 0
        assert takes()[0].seed == seed
        ops.delete_take()
    assert not takes()
    left = {action.name for action in bpy.data.actions}
    assert left == {"IM_two_people_wave_1_A", "IM_two_people_wave_3_A", "IM_two_people_wave_3_B"}
    assert not ops.delete_take.poll()


def test_keeping_the_starred(scene):
    generate(seed=1, takes=4)
    with pytest.raises(RuntimeError, match="No take has a star"):
        ops.keep_starred()
    takes()[1].star = takes()[3].star = True
    scene.intermamba.take = 3
    ops.keep_starred()
    assert [take.seed for take in takes()] == [2, 4]
    assert scene.intermamba.take == 1


def test_roles_are_swapped_and_swapped_back(placed):
    before = both()
    assert ops.swap_roles() == {"FINISHED"}
    # Bodies differ in size, so only the places are the same.
    hips = both()[:, PELVIS, :2] - before[::-1, PELVIS, :2]
    assert np.abs(hips).max() < 0.1
    assert takes()[0].swapped
    ops.swap_roles()
    assert np.abs(both() - before).max() < 1e-3


def test_left_and_right_are_exchanged(placed):
    before = both()
    ops.mirror_pair()
    assert np.abs(both()[:, L_WRIST] - before[:, R_WRIST] * [-1, 1, 1]).max() < 1e-3


def test_the_distance_is_changed_for_b(placed):
    before = both()
    ops.pair_distance(metres=0.5)
    after = both()
    assert np.abs(after[0] - before[0]).max() < 1e-3
    assert np.linalg.norm(after[1, PELVIS] - before[1, PELVIS]) == pytest.approx(0.5, abs=1e-3)
    assert takes()[0].distance == pytest.approx(0.5)


def test_a_change_that_fails_changes_nothing(scene, placed):
    other = bpy.data.objects.new("Door", bpy.data.armatures.new("Door"))
    scene.collection.objects.link(other)
    scene.intermamba.person_b = other
    with pytest.raises(RuntimeError, match="humanoid"):
        ops.swap_roles()
    assert not takes()[0].swapped


def middle_of(joints):
    return joints[:, PELVIS].mean(axis=0)


def test_the_pair_goes_to_the_cursor_as_one(scene, placed):
    scene.frame_set(20)
    before = both()
    scene.cursor.location = (4.0, -2.0, 1.0)
    assert ops.place_pair(where="CURSOR", turn=np.pi / 2) == {"FINISHED"}
    after = both()
    assert np.allclose(middle_of(after)[:2], [4, -2], atol=1e-4)
    turned = (before - middle_of(before)) @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    assert np.abs(after - middle_of(after) - turned).max() < 1e-3
    assert np.allclose(after[..., 2], before[..., 2] + 1.0, atol=1e-3)
    ops.apply_take()  # keys are made for where the pair stands
    assert np.abs(both() - after).max() < 1e-3


def test_the_pair_is_turned_where_it_stands(scene, placed):
    scene.frame_set(20)
    before = both()
    assert ops.place_pair(where="HERE", turn=np.pi / 2) == {"FINISHED"}
    turned = (before - middle_of(before)) @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    assert np.abs(both() - middle_of(before) - turned).max() < 1e-3
    shown = []
    manager = SimpleNamespace(invoke_props_popup=lambda *_: shown.append(True) or {"RUNNING_MODAL"})
    operator = SimpleNamespace(where="HERE", execute=lambda _: {"FINISHED"})
    window = SimpleNamespace(window_manager=manager)
    assert INTERMAMBA_OT_place_pair.invoke(operator, window, None) == {"RUNNING_MODAL"}
    operator.where = "CURSOR"
    assert INTERMAMBA_OT_place_pair.invoke(operator, window, None) == {"FINISHED"}
    assert shown == [True]  # the angle is asked for where it is all that there is to say


def test_the_pair_goes_between_two_empties(scene, placed):
    scene.frame_set(20)
    for name, place in (("from", (2, 0, 0)), ("to", (2, 3, 0))):
        empty = bpy.data.objects.new(name, None)
        empty.location = place
        scene.collection.objects.link(empty)
    with pytest.raises(RuntimeError, match="Two empties"):
        ops.place_pair(where="EMPTIES")
    bpy.context.view_layer.update()
    for name in ("from", "to"):
        bpy.data.objects[name].select_set(True)
    before = both()
    ops.place_pair(where="EMPTIES")
    a, b = both()[:, PELVIS, :2]
    assert np.allclose(0.5 * (a + b), [2, 1.5], atol=1e-4)
    assert np.allclose((b - a) / np.linalg.norm(b - a), [0, 1], atol=1e-4)
    assert np.linalg.norm(b - a) == pytest.approx(
        np.linalg.norm(np.subtract(*before[:, PELVIS, :2])), abs=1e-4
    )


def test_all_takes_are_exported(scene, tmp_path):
    generate(seed=1, takes=2)
    actions = sorted(action.name for action in bpy.data.actions)
    playing = [ob.animation_data.action for ob in mannequins()]
    pose = both()
    assert ops.export(filepath=str(tmp_path / "duet"), preset="GODOT", all_takes=True) == {"FINISHED"}
    stems = [f"duet_IM_two_people_wave_{seed}" for seed in (1, 2)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{stem}{suffix}" for stem in stems for suffix in (".glb", ".json")
    )
    sheets = [json.loads((tmp_path / f"{stem}.json").read_text()) for stem in stems]
    assert [sheet["seed"] for sheet in sheets] == [1, 2]
    assert (tmp_path / f"{stems[0]}.glb").read_bytes() != (tmp_path / f"{stems[1]}.glb").read_bytes()
    assert sorted(action.name for action in bpy.data.actions) == actions
    assert [ob.animation_data.action for ob in mannequins()] == playing
    assert np.array_equal(both(), pose)


def test_a_picture_shows_both_people_at_four_moments(motion):
    drawn = picture(motion)
    assert drawn.shape == (2 * CELL, 2 * CELL, 4)
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    for row in (slice(0, CELL), slice(CELL, None)):
        for column in (slice(0, CELL), slice(CELL, None)):
            cell = drawn[row, column]
            for colour in COLOURS:
                here = (np.abs(cell[..., :3] - colour).max(axis=-1) < 0.01) & (cell[..., 3] > 0.99)
                assert 100 < here.sum() < 0.4 * CELL**2
            assert not cell[[0, -1]].any()  # nothing is cut off
            assert not cell[:, [0, -1]].any()
            height = np.ptp(np.flatnonzero(cell[..., 3].any(axis=1))) / CELL
            assert 0.5 < height < 1.0
    assert np.array_equal(drawn, picture(motion))


def test_takes_are_chosen_by_their_pictures_which_are_drawn_once(scene, monkeypatch):
    drawings = []
    monkeypatch.setattr(thumbnails, "picture", lambda motion: drawings.append(motion) or picture(motion))
    generate(seed=4, takes=3)
    scene.intermamba_take = "2"
    assert scene.intermamba.take == 2
    scene.intermamba.take = 1
    assert scene.intermamba_take == "1"
    assert len(drawings) == 3
    takes()[1].mirrored = True
    assert scene.intermamba_take == "1"
    assert len(drawings) == 4
    assert len(thumbnails._pictures) == 4
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert thumbnails._pictures is None
