"""Write the Blender extension's zips into dist/, one for each platform and Python that Blender has.

    python build_addon.py [--platform linux_x64] [--python 311]

A zip carries this package with its model, and the wheels of what it needs and Blender lacks, unmodified. numpy comes
with Blender. The other packages that onnxruntime and tokenizers name are not imported by what is used of them, so they
are left out; tests/blender/test_zip.py runs the result without them.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from importlib import util
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BUILD, DIST = ROOT / "build", ROOT / "dist"
WHEELS = BUILD / "wheels"
TOKENIZERS = "0.22.1"


@dataclass(frozen=True)
class Python:
    """One of Blender's Pythons: Blenders from `first` up to, without, `end`, and an onnxruntime with wheels for it."""

    first: str
    end: str | None
    onnxruntime: str


PYTHONS = {
    "311": Python("4.2.0", "5.1.0", "1.23.2"),
    "313": Python("5.1.0", None, "1.23.2"),
    "314": Python("5.1.0", None, "1.32.0"),  # Blender as Linux distributions build it
}
PLATFORMS = {  # as wheels name them
    "linux_x64": (
        "manylinux_2_28_x86_64",
        "manylinux_2_27_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
    ),
    "windows_x64": ("win_amd64",),
    "macos_arm64": ("macosx_14_0_arm64", "macosx_13_0_arm64", "macosx_11_0_arm64"),
}


def main() -> None:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--platform", choices=PLATFORMS, action="append", help="default: all")
    parser.add_argument("--python", choices=PYTHONS, action="append", help="default: 311 and 313")
    parser.add_argument("--out", type=Path, default=DIST, help="folder for the zips (default: dist)")
    arguments = parser.parse_args()
    package = build_package()
    tool = find_extension_tool()
    for python in arguments.python or ["311", "313"]:
        for platform in arguments.platform or PLATFORMS:
            path = build_zip(arguments.out, platform, python, package)
            how = "not validated: no bpy here"
            if tool:
                validate(tool, path)
                how = "validated"
            print(f"{path}  {path.stat().st_size / 1e6:.1f} MB  {how}")


def build_package() -> Path:
    """This package's own wheel."""
    folder = BUILD / "package"
    shutil.rmtree(folder, ignore_errors=True)
    isolation = ["--no-build-isolation"] if util.find_spec("hatchling") else []
    pip("wheel", str(ROOT), "--no-deps", "--wheel-dir", str(folder), *isolation)
    (wheel,) = folder.glob("intermamba-*.whl")
    return wheel


def fetch_wheel(requirement: str, platform: str, python: str) -> Path:
    """The wheel of `name==version`, from build/wheels or downloaded into it."""
    folder = WHEELS / f"{requirement}-{platform}-cp{python}"
    if not list(folder.glob("*.whl")):
        names = [f"--platform={name}" for name in PLATFORMS[platform]]
        where = ["--no-deps", "--only-binary=:all:", f"--python-version={python}", "--dest", str(folder)]
        pip("download", requirement, *where, *names)
    (wheel,) = folder.glob("*.whl")
    return wheel


def build_zip(out: Path, platform: str, python: str, package: Path) -> Path:
    """Write the extension for one platform and Python; its manifest goes into the zip alone."""
    requirements = (f"onnxruntime=={PYTHONS[python].onnxruntime}", f"tokenizers=={TOKENIZERS}")
    wheels = [package, *(fetch_wheel(requirement, platform, python) for requirement in requirements)]
    manifest = write_manifest(platform, python, [wheel.name for wheel in wheels])
    version = tomllib.loads(manifest)["version"]
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"intermamba-{version}-{platform}-cp{python}.zip"
    temporary = path.with_suffix(".part")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("blender_manifest.toml", manifest)
        file.write(ROOT / "LICENSE", "LICENSE")
        for module in sorted((ROOT / "blender_addon").glob("*.py")):
            file.write(module, module.name)
        for wheel in wheels:
            file.write(wheel, f"wheels/{wheel.name}", zipfile.ZIP_STORED)
    temporary.replace(path)
    return path


def write_manifest(platform: str, python: str, wheels: list[str]) -> str:
    """The committed manifest with the package's version, this platform, these Blenders and these wheels."""
    text = (ROOT / "blender_addon" / "blender_manifest.toml").read_text("utf-8")
    (version,) = re.findall(
        r'^__version__ = "(.+)"$', (ROOT / "intermamba" / "__init__.py").read_text("utf-8"), re.M
    )
    lines = {"version": f'"{version}"', "blender_version_min": f'"{PYTHONS[python].first}"'}
    for name, value in lines.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)
        assert count == 1, name
    end = PYTHONS[python].end
    added = [f'blender_version_max = "{end}"'] if end else []
    added.append(f'platforms = ["{platform.replace("_", "-")}"]')
    added.append("wheels = [\n" + "".join(f'  "./wheels/{name}",\n' for name in wheels) + "]")
    return text.replace("\n[permissions]", "\n".join(added) + "\n\n[permissions]")


def find_extension_tool() -> Path | None:
    """Blender's own blender_ext.py, in the bpy module of this Python."""
    spec = util.find_spec("bpy")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        for path in Path(folder).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"):
            return path
    return None


def validate(tool: Path, path: Path) -> None:
    """Have Blender's extension tool check the zip; ends the program with its words when it finds fault."""
    tags = tool.parents[3] / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    command = [sys.executable, str(tool), "validate", f"--valid-tags={tags}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{path.name} is not a valid extension: {(done.stdout + done.stderr).strip()}")


def pip(*arguments: str) -> None:
    """Run pip quietly; ends the program with its last words when it fails."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"pip {arguments[0]} failed: {done.stderr.strip()[-2000:]}")


if __name__ == "__main__":
    main()
