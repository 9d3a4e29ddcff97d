"""From prompt to keys with the made-up engine: the blocking operator, the timer, cancel, and every kind of trouble."""

import json

import bpy
import pytest

from blender_addon import jobs
from blender_addon.jobs import Request, Target
from intermamba.errors import IntermambaError
from intermamba.worker.client import default_command

from .scenes import add_armature, gone, mannequins, pump_until, worker_pid

SLOW = 1000  # sampling steps of the made-up engine: many seconds


@pytest.fixture
def session(scene):
    return jobs.session


def start(session, **settings):
    request = Request(**({"prompt": "two people wave", "frames": 32, "seed": 1} | settings))
    session.start(request, Target.of(bpy.context), "FAKE")


def generate(**settings):
    return bpy.ops.intermamba.generate("EXEC_DEFAULT", engine="FAKE", **settings)


def test_the_operator_blocks_until_both_are_keyed(scene):
    scene.frame_set(11)
    assert generate(prompt="Two people wave!", frames=60, seed=3) == {"FINISHED"}
    names = [ob.animation_data.action.name for ob in mannequins()]
    assert names == ["IM_two_people_wave_3_A", "IM_two_people_wave_3_B"]
    assert tuple(mannequins()[0].animation_data.action.frame_range) == (11.0, 70.0)


def test_what_is_not_given_comes_from_the_panel(scene):
    settings = scene.intermamba
    settings.prompt, settings.seconds, settings.seed, settings.engine = "from the panel", 2.0, 9, "FAKE"
    assert bpy.ops.intermamba.generate() == {"FINISHED"}
    action = mannequins()[1].animation_data.action
    assert action.name == "IM_from_the_panel_9_B"
    assert tuple(action.frame_range) == (1.0, 60.0)


@pytest.mark.parametrize(("quality", "steps"), [("DRAFT", 10), ("STANDARD", 10), ("FINE", 50)])
def test_the_quality_is_a_number_of_steps(scene, quality, steps):
    def made(**settings):
        generate(frames=16, **settings)
        return json.loads(mannequins()[0].animation_data.action["intermamba_settings"])["steps"]

    scene.intermamba.quality = quality
    assert made() == steps  # the made-up model's own are 10
    assert made(steps=3) == 3


def test_the_same_seed_gives_the_same_keys(scene):
    generate(frames=40, seed=2)
    first = mannequins()[0].animation_data.action["intermamba_keys"]
    generate(frames=40, seed=2)
    assert mannequins()[0].animation_data.action["intermamba_keys"] == first


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": "   "}, "prompt is empty"),
        ({"frames": 0}, "16 to 300 frames"),
        ({"frames": 100_000}, "16 to 300 frames"),
        ({"prompt": "x" * 2001}, "at most 2000"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_input_gets_one_sentence(scene, settings, words):
    with pytest.raises(RuntimeError, match=words):
        generate(**settings)
    assert words in jobs.session.error
    assert "\n" not in jobs.session.error
    assert not bpy.data.actions


def test_a_missing_model_gets_one_sentence(session, monkeypatch, tmp_path):
    command = default_command("--model", str(tmp_path / "none"))
    monkeypatch.setattr(jobs, "worker_command", lambda _: command)
    with pytest.raises(RuntimeError, match="none"):
        generate()
    assert session.error
    assert "\n" not in session.error


def test_a_worker_that_cannot_be_started_gets_one_sentence(session, monkeypatch):
    monkeypatch.setattr(jobs, "worker_command", lambda _: ["/nowhere/python"])
    start(session)
    pump_until(lambda: not session.job)
    assert "could not be started" in session.error


def test_the_timer_places_the_result(scene, session):
    scene.frame_set(4)
    start(session)
    scene.frame_set(90)  # moving the playhead meanwhile does not matter
    assert bpy.app.timers.is_registered(jobs.pump)
    pump_until(lambda: session.job is None)
    assert session.error == ""
    assert session.note == "Frames 4 to 35"
    assert tuple(mannequins()[0].animation_data.action.frame_range) == (4.0, 35.0)
    assert session.tick() == 1.0  # the worker stays for the next one


def test_a_warning_is_shown_while_sampling_and_until_the_next_start(session):
    start(session, prompt="they swim", steps=SLOW)
    pump_until(lambda: session.job.step)
    assert session.prompt == "they swim"
    assert session.warning == '"they swim" is far from what this model knows; nearest: "Two people march".'
    session.cancel()
    assert session.warning
    start(session)
    assert session.warning == ""
    pump_until(lambda: not session.job)
    assert session.warning == ""


def test_a_script_gets_its_motion_and_the_warning(scene):
    assert generate(prompt="they swim", frames=16) == {"FINISHED"}
    assert "far from what this model knows" in jobs.session.warning
    action = mannequins()[0].animation_data.action
    assert jobs.session.warning in json.loads(action["intermamba_settings"]).values()
    generate(prompt="they march", frames=16)
    assert jobs.session.warning == ""


def test_starting_does_not_wait(session):
    start(session, steps=SLOW)
    assert session.job
    assert not bpy.data.actions
    with pytest.raises(IntermambaError, match="is being generated"):
        start(session)


def test_cancel_ends_the_job_and_changes_nothing(session):
    start(session, steps=SLOW)
    pump_until(lambda: session.job.total)
    assert bpy.ops.intermamba.cancel.poll()
    assert bpy.ops.intermamba.cancel() == {"FINISHED"}
    assert session.job is None
    assert session.note == "Cancelled"
    start(session, seed=8)
    pump_until(lambda: not session.job)
    assert [action.name for action in bpy.data.actions] == [
        "IM_two_people_wave_8_A",
        "IM_two_people_wave_8_B",
    ]
    assert not bpy.ops.intermamba.cancel.poll()


def test_an_idle_worker_is_ended(session, monkeypatch):
    start(session)
    pump_until(lambda: not session.job)
    pid = worker_pid(session)
    monkeypatch.setattr(jobs, "idle_seconds", lambda: -1.0)
    assert session.tick() is None
    assert gone(pid)


def test_the_result_waits_while_the_user_edits(scene, session):
    other = add_armature("Other", {"bone": (0, 0, 0)})
    start(session)
    bpy.context.view_layer.objects.active = other
    bpy.ops.object.mode_set(mode="EDIT")
    pump_until(lambda: session.job.ready)
    for _ in range(3):
        jobs.pump()
    assert session.job
    assert not bpy.data.actions
    bpy.ops.object.mode_set(mode="OBJECT")
    jobs.pump()
    assert session.job is None
    assert len(bpy.data.actions) == 2


def test_what_vanished_meanwhile_is_named(scene, session):
    generate(frames=16, seed=0)
    picked = mannequins()[0]
    scene.intermamba.person_a = picked
    start(session)
    bpy.data.objects.remove(picked)
    pump_until(lambda: not session.job)
    assert session.error == 'Armature "InterMamba A" is gone: pick another one and generate again.'


def test_a_scene_that_vanished_is_named(scene, session):
    start(session)
    scene.name = "Renamed"
    pump_until(lambda: not session.job)
    assert session.error.startswith('Scene "Scene" is gone')


def test_a_rig_that_is_no_body_is_refused_before_sampling(scene, session):
    scene.intermamba.person_b = add_armature("Door", {"hinge": (0, 0, 0)})
    with pytest.raises(RuntimeError, match='"Door" does not look humanoid'):
        generate()
    assert session._client is None
