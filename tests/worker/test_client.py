"""The client against real processes: fakes that sample, and fakes that fail in every way."""

import gc
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from intermamba.engines.base import Request
from intermamba.engines.fake import FakeEngine
from intermamba.errors import Cancelled, IntermambaError, WorkerError
from intermamba.worker import process
from intermamba.worker.client import FINAL, WorkerClient, default_command, motion_of

PATIENCE = 30.0
FRAMES = 16


@pytest.fixture
def client():
    """Start a client of a stand-in worker; it is closed afterwards."""
    clients = []

    def start(mode, **timeouts):
        script = str(Path(__file__).with_name("stand_in.py"))
        clients.append(WorkerClient([sys.executable, script, mode], **timeouts))
        return clients[-1]

    yield start
    for each in clients:
        each.close()


def wait(client, until):
    """Everything that poll() gives up to the first message that `until` holds for."""
    messages, end = [], time.monotonic() + PATIENCE
    while time.monotonic() < end:
        messages += client.poll()
        if any(map(until, messages)):
            return messages
        time.sleep(0.002)
    raise AssertionError(f"Waited in vain; got {[(m.type, dict(m.fields)) for m in messages]}")


def reported(client, text):
    """Whether the report comes to hold a text: what a worker writes on stderr arrives apart from its messages."""
    end = time.monotonic() + PATIENCE
    while text not in client.report() and time.monotonic() < end:
        time.sleep(0.01)
    return text in client.report()


def final(job):
    return lambda message: message.type in FINAL and message["job"] == job


def test_a_motion_comes_as_the_engine_made_it(client):
    worker, seen = client("fast"), []
    motion = worker.run("two people march", frames=FRAMES, seed=3, on_message=seen.append)
    expected = FakeEngine().sample(Request(prompt="two people march", frames=FRAMES, seed=3))
    np.testing.assert_array_equal(motion.joints, expected.joints)
    np.testing.assert_array_equal(motion.rotations, expected.rotations)
    assert (motion.prompt, motion.seed, motion.model) == ("two people march", 3, expected.model)
    assert motion.settings == expected.settings
    steps = [m["step"] for m in seen if m["phase"] == "sampling"]
    assert steps == list(range(1, 11))
    assert seen[0]["phase"] == "loading"
    assert all(m["eta"] >= 0 for m in seen if m["phase"] == "sampling")


def test_nothing_but_run_waits(client):
    worker = client("silent")
    began = time.monotonic()
    job = worker.generate("prompt")
    worker.poll()
    worker.cancel(job)
    assert [m.type for m in worker.poll()] == ["cancelled"]
    worker.close()
    assert time.monotonic() - began < 3


def test_previews_are_joints(client):
    worker = client("slow")
    job = worker.generate("prompt", frames=FRAMES, steps=30, preview=True)
    previews = [m for m in wait(worker, final(job)) if m.type == "preview"]
    assert previews
    assert all(m.arrays["joints"].shape == (2, FRAMES, 22, 3) for m in previews)
    assert all(m.arrays["joints"].dtype == np.float32 for m in previews)


def test_jobs_wait_for_each_other_and_the_engine_stays(client):
    worker = client("fast")
    jobs = [worker.generate("prompt", frames=FRAMES, seed=seed) for seed in range(3)]
    messages = wait(worker, final(jobs[-1]))
    results = [m for m in messages if m.type == "result"]
    assert [m["job"] for m in results] == jobs
    assert [motion_of(m).seed for m in results] == [0, 1, 2]
    assert sum(m["phase"] == "loading" for m in messages) == 1


def test_cancel_is_seen_within_one_step(client):
    worker = client("slow")
    job = worker.generate("prompt", frames=FRAMES, steps=500)
    waiting = worker.generate("prompt", frames=FRAMES)
    wait(worker, lambda m: m["step"] == 3)
    worker.cancel(waiting)
    worker.cancel(job)
    messages = wait(worker, final(job))
    assert [m.type for m in messages if m.type in FINAL] == ["cancelled", "cancelled"]
    late = [m["step"] for m in messages if m.type == "progress"]
    assert len(late) <= 3  # what was in the pipe, and the step that was running
    assert worker.run("again", frames=FRAMES).frames == FRAMES


def test_bad_input_gets_the_engines_own_sentence(client):
    worker = client("fast")
    with pytest.raises(IntermambaError, match="The prompt is empty"):
        worker.run("  ")
    with pytest.raises(IntermambaError, match="100000 was given"):
        worker.run("prompt", frames=100000)
    with pytest.raises(WorkerError, match="2000 characters"):
        worker.run("p" * 3000)
    assert worker.run("prompt", frames=FRAMES).frames == FRAMES


def test_an_engine_that_prints_does_not_disturb_the_frames(client):
    worker = client("printing")
    assert worker.run("prompt", frames=FRAMES).frames == FRAMES
    end = time.monotonic() + PATIENCE
    while worker.report().count("stderr") < 10 and time.monotonic() < end:
        time.sleep(0.01)
    lines = worker.report().splitlines()
    assert {"a line by print", "bytes to file descriptor 1", "a line on stderr"} <= set(lines)
    assert len(lines) <= 40


def test_an_engine_that_fails_is_reported_and_the_worker_lives_on(client):
    worker = client("broken")
    job = worker.generate("prompt", frames=FRAMES)
    error = wait(worker, final(job))[-1]
    assert (error.type, error["code"]) == ("error", "internal")
    assert error["message"] == "Sampling failed: ValueError: the scan went wrong"
    assert error["hint"]
    assert worker.process
    assert reported(worker, "stand_in.py")


def test_no_memory_has_its_own_code(client):
    worker = client("no memory")
    job = worker.generate("prompt", frames=FRAMES)
    assert wait(worker, final(job))[-1]["code"] == "memory"


def test_a_worker_that_dies_is_reported_and_replaced(client):
    worker = client("dying")
    jobs = [worker.generate("prompt", frames=FRAMES) for _ in range(2)]
    messages = wait(worker, final(jobs[-1]))
    errors = {m["job"]: m for m in messages if m.type == "error"}
    assert set(errors) == set(jobs)
    assert errors[jobs[0]]["code"] == "died"
    assert "exit code 7" in errors[jobs[0]]["message"]
    assert "about to crash" in worker.report()
    with pytest.raises(WorkerError, match="stopped unexpectedly"):
        worker.run("prompt", frames=FRAMES)


def test_a_worker_that_never_begins_is_quoted():
    said = "ssh: Could not resolve hostname gpu-box"
    worker = WorkerClient([sys.executable, "-c", f"import sys; sys.exit('{said}\\n')"])
    with worker, pytest.raises(WorkerError, match=rf"\(exit code 1\): {said}\. Try again"):
        worker.run("prompt")


def test_the_package_runs_under_any_python(tmp_path, monkeypatch):
    (tmp_path / "intermamba.py").write_text("raise ImportError('the wrong package')")
    monkeypatch.chdir(tmp_path)
    with WorkerClient(process.command_in(sys.executable, "worker", "--fake")) as worker:
        assert worker.run("prompt", frames=FRAMES).frames == FRAMES


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_worker_that_is_killed_is_reported(client):
    worker = client("slow")
    job = worker.generate("prompt", frames=FRAMES, steps=500)
    wait(worker, lambda m: m["step"] == 2)
    os.kill(worker.process.pid, 9)
    error = wait(worker, final(job))[-1]
    assert error["code"] == "died"
    assert "SIGKILL" in error["message"]


def test_a_worker_that_hangs_is_killed_after_cancel(client):
    worker = client("stuck", cancel_timeout=0.2)
    job = worker.generate("prompt", frames=FRAMES)
    wait(worker, lambda m: m["phase"] == "loading")
    pid = worker.process.pid
    worker.cancel(job)
    assert wait(worker, final(job))[-1].type == "cancelled"
    assert worker.process is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("mode", ["hanging", "stuck"])
def test_what_is_asked_of_a_worker_that_hangs_after_cancel_goes_to_a_new_one(client, mode):
    worker = client(mode, cancel_timeout=0.2)
    first = worker.generate("prompt", frames=FRAMES)
    wait(worker, lambda m: m.type == "progress")
    pid = worker.process.pid
    worker.cancel(first)
    second = worker.generate("prompt", frames=FRAMES)
    worker.command = client("fast").command
    messages = wait(worker, final(second))
    assert [(m.type, m["job"]) for m in messages if m.type in FINAL] == [
        ("cancelled", first),
        ("result", second),
    ]
    assert worker.process.pid != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_that_says_nothing_times_out(client):
    worker = client("silent", hello_timeout=0.3)
    job = worker.generate("prompt")
    error = wait(worker, final(job))[-1]
    assert error["code"] == "timeout"
    assert error["message"] == "The worker did not start within 0.3 s."


@pytest.mark.parametrize("mode", ["hanging", "stuck"])
def test_silence_is_measured_and_ends_what_waits_for_it(client, mode):
    worker = client(mode, silence_timeout=0.5)
    assert worker.silence == 0
    with pytest.raises(WorkerError, match="Nothing was heard from the worker"):
        worker.run("prompt", frames=FRAMES)
    assert worker.process is None
    assert worker.silence == 0


def test_a_result_that_is_no_number_is_refused(client):
    with pytest.raises(WorkerError, match="no proper rotations"):
        client("lost").run("prompt", frames=FRAMES)


@pytest.mark.parametrize(
    ("mode", "code", "words"),
    [
        ("banner", "protocol", "begins with 'Welcome to gpu-box"),
        ("garbage", "protocol", "nonsense"),
        ("other version", "version", "version 9.9 with protocol 99, this side has protocol 1"),
    ],
)
def test_nonsense_is_refused_with_a_clear_sentence(client, mode, code, words):
    worker = client(mode)
    job = worker.generate("prompt")
    error = wait(worker, final(job))[-1]
    assert error["code"] == code
    assert words in error["message"]
    assert worker.process is None


def test_a_command_that_cannot_run_is_an_error_message(tmp_path):
    with WorkerClient([str(tmp_path / "nothing")]) as worker:
        worker.start()
        (error,) = worker.poll()
        assert (error["code"], error["job"]) == ("start", None)
        with pytest.raises(WorkerError, match="could not be started"):
            worker.run("prompt")


def test_what_run_raises_on_the_way_cancels_the_job(client):
    def stop(message):
        raise KeyboardInterrupt

    worker = client("slow")
    with pytest.raises(KeyboardInterrupt):
        worker.run("prompt", frames=FRAMES, steps=500, on_message=stop)
    assert wait(worker, lambda m: m.type == "cancelled")
    with pytest.raises(Cancelled):
        worker.run("prompt", frames=FRAMES, on_message=lambda m: worker.cancel(m["job"]))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts in /proc")
def test_many_cycles_leak_nothing(client):
    def held():
        gc.collect()
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    before, worker, pids = held(), client("slow"), set()
    for cycle in range(50):
        job = worker.generate("prompt", frames=FRAMES)
        pids.add(worker.process.pid)
        if cycle % 10:
            wait(worker, lambda m: m.type == "progress")
        worker.cancel(job)
        wait(worker, final(job))
        if cycle % 25 == 24:
            worker.close()
    assert held() == before
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_default_command_finds_this_package_in_a_hostile_place(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise ImportError('the wrong numpy')")
    (tmp_path / "intermamba.py").write_text("raise ImportError('the wrong package')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    with WorkerClient(default_command("--fake")) as worker:
        assert worker.run("prompt", frames=FRAMES).frames == FRAMES


def test_a_python_is_found_in_a_program_that_embeds_it(monkeypatch, tmp_path):
    real = process.find_python()
    assert Path(real).name.startswith("python")
    monkeypatch.setattr(sys, "executable", "/usr/bin/blender")
    monkeypatch.setattr(sys, "_base_executable", "/usr/bin/blender", raising=False)
    assert os.access(process.find_python(), os.X_OK)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorkerError, match="belongs to /usr/bin/blender"):
        process.find_python()


def test_a_command_as_it_is_typed(monkeypatch):
    command = ["/a b/python", "x>=1"]
    monkeypatch.setattr(sys, "platform", "linux")
    assert process.as_typed(command) == "'/a b/python' 'x>=1'"
    monkeypatch.setattr(sys, "platform", "win32")
    assert process.as_typed(command) == '"/a b/python" x>=1'


def test_package_folders_are_where_packages_are_imported_from():
    folders = process.package_folders(["numpy", "no_such_package", "json"])
    assert folders[0] == str(Path(np.__file__).parents[1])
    assert len(folders) == 2
