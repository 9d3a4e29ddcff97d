"""What the preferences say is what happens: engines, models, idle time, and the report."""

import shutil
import sys
import zipfile
from pathlib import Path

import bpy
import pytest

from blender_addon import engines, jobs, preferences, report
from blender_addon.engines import model_folder, models_folder, setup_command, worker_command
from blender_addon.report import report_text, without_names
from intermamba.bundles.bundle import bundled_folder
from intermamba.errors import WorkerError
from intermamba.worker.client import default_command
from intermamba.worker.process import BOOT

from .scenes import mannequins, pump_until


@pytest.fixture
def settings(scene, tmp_path, monkeypatch):
    """The preferences of a user who has changed nothing, with an own place for models and environments."""
    monkeypatch.setattr(engines, "environment_folder", lambda: tmp_path / "gpu")
    addon = bpy.context.preferences.addons.new()
    addon.module = "blender_addon"
    addon.preferences.models = str(tmp_path / "models")
    preferences.INTERMAMBA_OT_import_model.problem = ""
    yield addon.preferences
    bpy.context.preferences.addons.remove(addon)


@pytest.fixture
def bundle_zip(tmp_path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for part in bundled_folder().iterdir():
            file.write(part, f"mine/{part.name}")
    return path


class Recorder:
    """A layout that keeps the names of what is shown."""

    def __init__(self):
        self.shown = []

    def prop(self, _, name, **__):
        self.shown.append(name)

    def operator(self, name, **__):
        self.shown.append(name.removeprefix("intermamba."))

    def label(self, text="", **__):
        self.shown.append(text)

    def __getattr__(self, name):
        return lambda **__: self


def drawn(settings):
    layout = Recorder()
    settings.draw_on(layout)
    return layout.shown


def import_model(path):
    return bpy.ops.intermamba.import_model("EXEC_DEFAULT", filepath=str(path))


def test_at_first_the_extension_does_it_all(settings):
    assert (settings.engine, settings.chosen_model, model_folder()) == ("CPU", "(bundled)", "")
    assert worker_command("AUTO") == default_command()
    assert worker_command("FAKE") == default_command("--fake")
    assert engines.idle_seconds() == 300.0


def test_without_preferences_the_same(scene):
    assert engines.preferences() is None
    assert worker_command("AUTO") == default_command()
    assert engines.idle_seconds() == 300.0


def test_everything_has_a_tooltip(settings):
    for item in settings.bl_rna.properties:
        if item.identifier not in ("rna_type", "bl_idname"):
            assert item.description, item.identifier
    for name in ("import_model", "copy_setup_command", "copy_report"):
        assert getattr(bpy.ops.intermamba, name).get_rna_type().description


@pytest.mark.parametrize(
    ("engine", "shown", "hidden"),
    [
        ("CPU", {"chosen_model", "models", "import_model"}, {"python", "command", "copy_setup_command"}),
        ("GPU", {"chosen_model", "python", "copy_setup_command"}, {"command"}),
        ("COMMAND", {"command"}, {"chosen_model", "models", "python", "copy_setup_command"}),
    ],
)
def test_only_what_the_engine_needs_is_shown(settings, engine, shown, hidden):
    settings.engine = engine
    names = set(drawn(settings))
    assert shown <= names
    assert not hidden & names
    assert {"engine", "idle", "show_log", "copy_report"} <= names


def test_a_gpu_environment_runs_this_package(settings):
    settings.engine = "GPU"
    with pytest.raises(WorkerError, match="no GPU environment yet: the add-on's preferences show"):
        worker_command("AUTO")
    settings.python = "/nowhere/python"
    with pytest.raises(WorkerError, match="There is no /nowhere/python"):
        worker_command("AUTO")
    settings.python = sys.executable
    device = "mps" if sys.platform == "darwin" else "cuda"
    command = worker_command("AUTO")
    assert command[0] == sys.executable
    assert command[-4:] == [str(BOOT), "worker", "--device", device]
    assert worker_command("FAKE") == [*command, "--fake"]


def test_the_environment_of_setup_gpu_is_found(settings, tmp_path):
    settings.engine = "GPU"
    python = engines.environment_python(tmp_path / "gpu")
    python.parent.mkdir(parents=True)
    python.touch()
    assert worker_command("AUTO")[0] == str(python)


def test_the_command_of_setup_gpu_is_shown_as_it_is(settings):
    settings.engine = "GPU"
    assert "".join(setup_command().split()) in "".join("".join(drawn(settings)).split())
    assert str(BOOT) in setup_command()
    assert setup_command().endswith(" setup-gpu")
    assert bpy.ops.intermamba.copy_setup_command() == {"FINISHED"}


def test_a_worker_command_is_taken_as_it_is(settings):
    settings.engine = "COMMAND"
    with pytest.raises(WorkerError, match="No worker command is given"):
        worker_command("AUTO")
    settings.command = "ssh gpu-box 'inter mamba' worker --model mine"
    settings.model = "local"  # means nothing on another computer
    assert worker_command("AUTO") == ["ssh", "gpu-box", "inter mamba", "worker", "--model", "mine"]


def test_what_is_missing_stands_beside_the_button(settings):
    settings.engine = "COMMAND"
    with pytest.raises(RuntimeError, match="No worker command"):
        bpy.ops.intermamba.generate("EXEC_DEFAULT", prompt="wave", frames=16, engine="FAKE")
    assert jobs.session.error.startswith("No worker command")


def test_a_gpu_environment_generates(settings):
    settings.engine, settings.python = "GPU", sys.executable
    bpy.ops.intermamba.generate("EXEC_DEFAULT", prompt="wave", frames=16, seed=1, engine="FAKE")
    assert mannequins()[0].animation_data.action.name == "IM_wave_1_A"


def test_an_imported_model_is_chosen_and_used(settings, bundle_zip):
    assert import_model(bundle_zip) == {"FINISHED"}
    (name,) = engines.installed_models()
    assert settings.model == settings.chosen_model == name
    assert model_folder() == str(models_folder() / name)
    assert worker_command("AUTO") == default_command("--model", model_folder())
    settings.chosen_model = "(bundled)"
    assert worker_command("AUTO") == default_command()
    settings.chosen_model = name
    shutil.rmtree(model_folder())
    assert settings.chosen_model == name  # the worker says that it is gone
    with pytest.raises(RuntimeError, match=name):
        bpy.ops.intermamba.generate("EXEC_DEFAULT", prompt="wave", frames=16)


def test_a_choice_stays_when_other_models_come(settings, tmp_path):
    for name in ("bravo", "alpha"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "config.json").touch()
        if name == "bravo":
            settings.chosen_model = "bravo"
    assert engines.installed_models() == ["alpha", "bravo"]
    assert settings.chosen_model == "bravo"


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "not a whole zip"),
        (lambda path: zipfile.ZipFile(path, "a").writestr("../evil", "x"), "write outside"),
        (lambda path: path.write_bytes(b"hello"), "not a whole zip"),
        (lambda path: path.unlink(), "No such file"),
    ],
)
def test_a_bad_zip_is_told_beside_the_button_and_leaves_nothing(settings, bundle_zip, harm, words):
    harm(bundle_zip)
    with pytest.raises(RuntimeError, match=words):
        import_model(bundle_zip)
    assert engines.installed_models() == []
    assert list(models_folder().iterdir()) == []
    assert any(words in text for text in drawn(settings))
    assert settings.model == ""


def test_the_models_folder_has_a_place_of_its_own(settings):
    settings.models = ""
    assert models_folder().is_relative_to(bpy.utils.resource_path("USER"))


def test_the_idle_time_is_that_of_the_preferences(settings, monkeypatch):
    settings.idle = 2
    now = 1000.0
    monkeypatch.setattr(jobs.time, "monotonic", lambda: now)
    session = jobs.Session()
    session._client = type("Client", (), {"poll": list, "report": str, "close": lambda _: None})()
    session._used = 1000.0
    now = 1119.0
    assert session.tick() == 1.0
    now = 1121.0
    assert session.tick() is None


def test_the_log_outlives_the_worker(settings):
    session = jobs.session
    settings.engine = "COMMAND"
    settings.command = f"{sys.executable} -c \"import sys; sys.exit('no route to gpu-box')\""
    session.start(jobs.Request(prompt="wave", frames=16, seed=0), jobs.Target.of(bpy.context), "AUTO")
    pump_until(lambda: not session.job)
    assert "no route to gpu-box" in session.error
    session.close()
    assert session.log() == "no route to gpu-box"
    settings.show_log = True
    assert "no route to gpu-box" in drawn(settings)


def test_the_report_says_what_is_needed(settings, monkeypatch):
    settings.engine, settings.command = "COMMAND", "/usr/bin/ssh ada@gpu-box intermamba worker"
    monkeypatch.setattr(jobs.session, "error", "The worker stopped.")
    monkeypatch.setattr(
        jobs.session, "_log", f"Traceback\n  {Path.home()}/x.py\nada@gpu-box: denied\nno gpu-box"
    )
    text = report_text()
    for words in (bpy.app.version_string, "InterMamba", "Engine: Worker Command, ssh\n", "Model: bundled"):
        assert words in text
    assert "Last error: The worker stopped." in text
    assert "Traceback" in text
    assert "~/x.py" in text or str(Path.home()) == "/"
    assert "ada" not in text
    assert "gpu-box" not in text
    assert bpy.ops.intermamba.copy_report() == {"FINISHED"}


def test_names_are_left_out(monkeypatch):
    monkeypatch.setattr(report.Path, "home", lambda: Path("/home/ada"))
    assert without_names("/home/ada/x /home/bob/y /Users/bob/z") == "~/x /home/USER/y /Users/USER/z"
    assert without_names(r"C:\Users\bob\x") == r"C:\Users\USER\x"
    assert without_names("bob@gpu-box: denied") == "USER@HOST: denied"
    assert without_names("no route to gpu-box", "ssh ada@gpu-box worker") == "no route to ARGUMENT"
    assert without_names("13 frames, 22 joints") == "13 frames, 22 joints"
