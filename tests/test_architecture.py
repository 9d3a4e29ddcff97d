"""The rooms and the arrows between them: who may import what, and how big a room's files may grow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("intermamba", "training", "blender_addon")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Absolute dotted names of everything that a file imports, at any depth of its code."""
    package = [*path.relative_to(ROOT).with_suffix("").parts][:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names |= {stem, *(f"{stem}.{alias.name}" for alias in node.names)}
    return names


def uses(path: Path, *modules: str) -> set[str]:
    return {
        name
        for name in imports(path)
        for module in modules
        if name == module or name.startswith(f"{module}.")
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_stays_readable(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600


def test_bpy_lives_in_the_addon_alone():
    for package in ("intermamba", "training"):
        for path in (ROOT / package).rglob("*.py"):
            assert not uses(path, "bpy", "mathutils", "blender_addon"), path


def test_the_addon_uses_motion_retarget_bundles_and_the_worker_client_alone():
    allowed = (
        "intermamba.bundles",
        "intermamba.motion",
        "intermamba.retarget",
        "intermamba.worker",
        "intermamba.errors",
        "intermamba.files",
    )
    for path in (ROOT / "blender_addon").rglob("*.py"):
        assert not uses(path, "torch", "onnxruntime", "training", "multiprocessing"), path
        for name in uses(path, "intermamba"):
            assert name == "intermamba" or name == "intermamba.__version__" or name.startswith(allowed), (
                path,
                name,
            )


def test_torch_lives_in_the_model_its_engine_and_training():
    for path in (ROOT / "intermamba").rglob("*.py"):
        where = path.relative_to(ROOT / "intermamba").as_posix()
        if (
            not where.startswith("model/")
            and where not in ("engines/torch_engine.py", "cli.py")
            and "cli/" not in where
        ):
            assert not uses(path, "torch"), path


def test_arrows_point_one_way():
    below = {
        "motion": ("diffusion", "text", "model", "engines", "worker", "retarget", "bundles", "render", "cli"),
        "diffusion": ("motion", "text", "model", "engines", "worker", "retarget", "bundles", "render", "cli"),
        "retarget": ("diffusion", "text", "model", "engines", "worker", "bundles", "render", "cli"),
        "render": ("diffusion", "text", "model", "engines", "worker", "bundles", "cli"),
        "model": ("engines", "worker", "retarget", "bundles", "render", "cli"),
        "engines": ("worker", "retarget", "render", "cli"),
        "worker": ("retarget", "render", "cli"),
    }
    for room, forbidden in below.items():
        for path in (ROOT / "intermamba" / room).rglob("*.py"):
            assert not uses(path, *(f"intermamba.{name}" for name in forbidden)), path


@pytest.mark.parametrize(
    "module",
    [
        "intermamba",
        "intermamba.motion.motion",
        "intermamba.diffusion.samplers",
        "intermamba.retarget.transfer",
        "intermamba.worker.client",
        "intermamba.bundles.bundle",
    ],
)
def test_what_runs_inside_blender_needs_numpy_alone(module):
    code = (
        f"import sys, {module}\n"
        "heavy = {'torch', 'onnxruntime', 'tokenizers', 'PIL', 'scipy', 'numba'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
