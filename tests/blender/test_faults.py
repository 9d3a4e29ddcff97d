"""The worst that can happen while a motion is generated: the scene stays as it was, and the panel says what to do."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import bpy
import pytest

from blender_addon import jobs
from blender_addon.jobs import Request, Target
from intermamba.worker import client

from .scenes import gone, mannequins, pump_until, worker_pid

STAND_IN = Path(__file__).parents[1] / "worker" / "stand_in.py"
PLENTY = 1000  # sampling steps of the made-up engine: many seconds


@pytest.fixture
def session(scene):
    return jobs.session


@pytest.fixture
def misbehave(session, monkeypatch):
    """Let the worker be the stand-in of a mode, or a good one again."""

    def choose(mode):
        with monkeypatch.context() as undone:
            command = [sys.executable, str(STAND_IN), mode]
            undone.setattr(jobs, "worker_command", lambda _: command)
            start(session)

    return choose


def start(session, **settings):
    request = Request(**({"prompt": "two people wave", "frames": 32, "seed": 1} | settings))
    session.start(request, Target.of(bpy.context), "FAKE")


def held():
    """What the file holds, and what the scene is like."""
    scene = bpy.context.scene
    kinds = [kind.identifier for kind in bpy.data.bl_rna.properties if kind.type == "COLLECTION"]
    return (
        {kind: [one.name for one in getattr(bpy.data, kind)] for kind in kinds},
        (scene.frame_start, scene.frame_end, scene.frame_current, len(scene.intermamba.takes)),
        bpy.context.mode,
    )


def works_again(session):
    start(session)
    pump_until(lambda: not session.job)
    assert session.error == ""
    assert len(bpy.data.actions) == 2


@pytest.mark.parametrize(
    ("mode", "words", "way_out"),
    [
        ("dying", "stopped unexpectedly (exit code 7)", "Try again"),
        ("garbage", "answered nonsense", "Check the worker's command"),
        ("banner", "answered nonsense", "Check the worker's command"),
        ("other version", "version 9.9 with protocol 99", "Install the same version on both"),
        ("lost", "no proper rotations", "install the same version on both sides"),
        ("broken", "the scan went wrong", "send us the report"),
        ("no memory", "not enough memory", "Ask for fewer frames"),
    ],
)
def test_a_worker_that_fails_is_told_with_the_way_out_and_replaced(session, misbehave, mode, words, way_out):
    before = held()
    misbehave(mode)
    pump_until(lambda: not session.job)
    assert words in session.error
    assert way_out in session.error
    assert "\n" not in session.error
    assert held() == before
    works_again(session)


def test_a_worker_killed_midway_is_told_and_replaced(session):
    before = held()
    start(session, steps=PLENTY)
    pump_until(lambda: session.job.total)
    os.kill(worker_pid(session), signal.SIGKILL)
    pump_until(lambda: not session.job)
    assert "stopped unexpectedly" in session.error
    assert "Try again" in session.error
    assert held() == before
    works_again(session)


@pytest.mark.parametrize("mode", ["stuck", "hanging"])  # while loading, and in a step
def test_a_worker_that_hangs_is_noticed_and_ended_by_cancel(session, misbehave, monkeypatch, mode):
    before = held()
    misbehave(mode)
    pid = worker_pid(session)
    pump_until(lambda: session.job.phase != "starting")
    assert not session.silent
    monkeypatch.setattr(jobs, "SILENCE", 0.05)
    pump_until(lambda: session.silent)
    assert session.job  # it may still come: nothing is given up unasked
    assert bpy.ops.intermamba.cancel() == {"FINISHED"}
    assert not session.silent
    assert gone(pid)
    assert session.note == "Cancelled"
    assert held() == before
    works_again(session)


def test_the_view_is_drawn_again_for_news_alone(session, misbehave, monkeypatch):
    misbehave("hanging")
    pump_until(lambda: session.job.phase == "loading")
    drawn = []
    monkeypatch.setattr(jobs, "redraw_panels", lambda: drawn.append(session.silent))
    for _ in range(20):
        jobs.pump()
    assert drawn == []
    monkeypatch.setattr(jobs, "SILENCE", 0.0)
    jobs.pump()
    jobs.pump()
    assert drawn == [True]


def test_a_worker_that_never_says_hello_is_given_up(session, misbehave, monkeypatch):
    with monkeypatch.context() as hasty:
        hasty.setattr(jobs, "WorkerClient", partial(client.WorkerClient, hello_timeout=0.3))
        misbehave("silent")
    pump_until(lambda: not session.job)
    assert "did not start within 0.3 s" in session.error
    works_again(session)


def test_a_result_that_cannot_be_placed_is_told(session, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("no length")

    monkeypatch.setattr("blender_addon.operators.place_takes", fail)
    start(session)
    pump_until(lambda: not session.job)
    assert "a mistake of ours (ZeroDivisionError: no length): undo it, and report it" in session.error


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts in /proc")
def test_two_hundred_cancelled_jobs_leave_nothing(session):
    def open_now():
        gc.collect()
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        return len(os.listdir("/proc/self/fd")), len(children), threading.active_count(), held()

    before, pids = open_now(), set()
    for cycle in range(200):
        start(session, frames=16, seed=cycle, steps=PLENTY)
        pids.add(worker_pid(session))
        for _ in range(cycle % 4):
            jobs.pump()
        bpy.ops.intermamba.cancel()
        assert jobs.pump() == 1.0
        if cycle % 50 == 49:
            session.close()
    assert len(pids) == 4
    assert all(map(gone, pids))
    assert open_now() == before
    works_again(session)


def test_a_file_saved_meanwhile_holds_nothing_of_the_job(session, tmp_path):
    path = str(tmp_path / "meanwhile.blend")
    start(session, steps=PLENTY)
    pump_until(lambda: session.job.total)
    before = held()
    bpy.ops.wm.save_as_mainfile(filepath=path)
    assert session.job
    session.cancel()
    works_again(session)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert held()[0]["actions"] == []
    assert held() == before


def test_the_result_is_placed_in_the_file_that_was_saved_meanwhile(session, tmp_path):
    start(session)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "meanwhile.blend"))
    pump_until(lambda: not session.job)
    assert session.error == ""
    assert [ob.animation_data.action.name[-3:] for ob in mannequins()] == ["1_A", "1_B"]


@pytest.mark.parametrize("ready", [False, True])
def test_opening_another_file_drops_the_job_and_says_so(session, ready):
    start(session, steps=None if ready else PLENTY)
    pid = worker_pid(session)
    if ready:
        while not session.job.ready:
            for message in session._client.poll():
                session._receive(message)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert session.job is None
    assert gone(pid)
    assert session.error == "Another file was opened meanwhile, so the motion was dropped: generate it again."
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert session.error == ""  # it was said; nothing was dropped this time
    works_again(session)


def test_disabling_ends_the_worker(addon, session):
    start(session, steps=PLENTY)
    pid = worker_pid(session)
    addon.unregister()
    try:
        assert session.job is None
        assert gone(pid)
        assert not hasattr(bpy.types.Scene, "intermamba")
        assert not bpy.app.timers.is_registered(jobs.pump)
    finally:
        addon.register()


QUIT = """
import os, sys, time, atexit
import bpy, blender_addon
from blender_addon import jobs
from blender_addon.jobs import Request, Target
blender_addon.register()
request = Request(prompt="wave", frames=32, seed=1, steps=1000)
jobs.session.start(request, Target.of(bpy.context), "FAKE")
while not jobs.session.job.total:
    jobs.pump()
    time.sleep(0.01)
print(jobs.session._client.hello["pid"], flush=True)
if sys.argv[1] == "quit":
    atexit._run_exitfuncs()
os._exit(0)
"""


@pytest.mark.parametrize("how", ["quit", "crash"])
def test_the_worker_ends_with_blender(how):
    done = subprocess.run(
        [sys.executable, "-c", QUIT, how],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    pid = int(done.stdout.split()[-1])
    deadline = time.monotonic() + 20.0
    while not gone(pid):
        assert time.monotonic() < deadline, "the worker lives on"
        time.sleep(0.02)
