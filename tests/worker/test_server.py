"""The worker's process at its pipes, without the client."""

import subprocess
import sys
from pathlib import Path

import pytest

from intermamba.errors import BundleError, IntermambaError
from intermamba.worker.protocol import FrameReader, Message, encode
from intermamba.worker.server import describe

JOB = Message("generate", {"job": "j", "prompt": "p", "frames": 16, "seed": 0})


@pytest.fixture
def worker():
    """Start a stand-in worker; it is killed afterwards."""
    started = []

    def start(mode):
        script = str(Path(__file__).with_name("stand_in.py"))
        pipe = subprocess.PIPE
        started.append(subprocess.Popen([sys.executable, script, mode], stdin=pipe, stdout=pipe, stderr=pipe))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        with process:  # closes its pipes and waits
            pass


def read(process, kind):
    """Messages up to the first one of a type."""
    reader, messages = FrameReader(), []
    while not any(m.type == kind for m in messages):
        data = process.stdout.read1(1 << 16)
        assert data, [m.type for m in messages]
        messages += reader.feed(data)
    return messages[: 1 + [m.type for m in messages].index(kind)]


def tell(process, *messages):
    for message in messages:
        process.stdin.write(encode(message))
    process.stdin.flush()


def test_hello_comes_first_and_says_who_answers(worker):
    process = worker("fast")
    hello = read(process, "hello")[0]
    assert (hello["protocol"], hello["pid"]) == (1, process.pid)
    assert hello["version"]


def test_a_warning_comes_before_the_steps_and_with_the_result(worker):
    process = worker("fast")
    tell(process, Message("generate", {"job": "j", "prompt": "swim", "frames": 16, "seed": 0}))
    messages = read(process, "result")
    (warning,) = (m for m in messages if m.type == "warning")
    first_step = next(m for m in messages if m["phase"] == "sampling")
    assert messages.index(warning) < messages.index(first_step)
    assert warning["job"] == "j"
    assert messages[-1]["settings"]["warning"] == warning["message"]
    assert "far from what this model knows" in warning["message"]


@pytest.mark.parametrize("mode", ["slow", "hanging"])
def test_the_worker_ends_when_its_stdin_closes(worker, mode):
    process = worker(mode)
    tell(process, JOB)
    read(process, "progress")
    process.stdin.close()
    assert process.wait(20) == 0


def test_the_worker_ends_at_shutdown(worker):
    process = worker("slow")
    tell(process, JOB, Message("shutdown"))
    assert process.wait(20) == 0


def test_ping_is_answered_while_a_job_runs(worker):
    process = worker("hanging")
    tell(process, JOB, Message("weather", {"sun": 1}), Message("ping"))
    assert read(process, "pong")


def test_garbage_gets_an_error_and_ends_the_worker(worker):
    process = worker("fast")
    process.stdin.write(b"GET / HTTP/1.1\r\n\r\n")
    process.stdin.flush()
    error = read(process, "error")[-1]
    assert (error["code"], error["job"]) == ("protocol", None)
    assert process.wait(20) == 0


def test_too_many_jobs_are_refused(worker):
    process = worker("hanging")
    tell(process, *(Message("generate", JOB.fields | {"job": str(k)}) for k in range(70)))
    error = read(process, "error")[-1]
    assert error["message"] == "Too many jobs are waiting: cancel some first."


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (IntermambaError("The prompt is empty."), "input"),
        (BundleError("weights are damaged."), "bundle"),
        (MemoryError(), "memory"),
        (ModuleNotFoundError("No module named 'onnxruntime'"), "install"),
        (RuntimeError("odd"), "internal"),
    ],
)
def test_errors_have_codes_and_sentences(error, code):
    found, message, hint = describe(error)
    assert found == code
    assert message.rstrip(".")
    assert hint or code == "input"


def test_the_module_refuses_what_it_does_not_know():
    command = [sys.executable, "-m", "intermamba.worker", "--nonsense"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--nonsense" in done.stderr
