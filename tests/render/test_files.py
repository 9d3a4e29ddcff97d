import subprocess
from dataclasses import replace

import pytest
from PIL import Image

from intermamba.errors import Cancelled, IntermambaError
from intermamba.render.lettering import font, wrap
from intermamba.render.sheet import BORDER, GAP, contact_sheet
from intermamba.render.video import find_ffmpeg, video

from ..clips import synthetic_pair

SIZE = (128, 96)


@pytest.fixture(scope="module")
def motion():
    return replace(synthetic_pair(16), prompt="Two people dance salsa")


def test_a_sheet_has_its_pictures_in_a_grid(tmp_path, motion):
    contact_sheet(motion, tmp_path / "sheet.png", pictures=5, columns=3, cell=(90, 80))
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.width == 2 * BORDER + 3 * 90 + 2 * GAP
        assert sheet.height > 2 * 80 + GAP
        paper = sheet.getpixel((2, 2))
        assert sheet.getpixel((BORDER + 45, sheet.height - BORDER - 40)) != paper
        assert (
            sheet.getpixel((sheet.width - BORDER - 45, sheet.height - BORDER - 40)) == paper
        )  # a sixth is missing


def test_a_sheet_of_a_short_motion_has_fewer_pictures(tmp_path, motion):
    short = replace(motion, joints=motion.joints[:, :2], prompt="")
    contact_sheet(short, tmp_path / "sheet.png", cell=(90, 80))
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == 2 * BORDER + 2 * 90 + GAP


def test_text_is_wrapped_and_cut():
    width = 12 * font(20).getlength("n")
    lines = wrap("nnnn nnnn nnnn nnnn nnnn nnnn", 20, width, 2)
    assert lines[0] == "nnnn nnnn"
    assert len(lines) == 2
    assert lines[1].endswith("...")
    assert all(font(20).getlength(line) <= width for line in lines)
    assert wrap("n" * 100, 20, width, 3)[0].endswith("...")
    assert wrap("", 20, width, 2) == [""]
    assert wrap("two people", 20, width, 1) == ["two people"]


def test_an_mp4_is_h264_at_30_frames_a_second(tmp_path, motion):
    heard = []
    slow = replace(motion, fps=15.0)
    video(slow, tmp_path / "film.mp4", size=SIZE, on_frame=lambda *numbers: heard.append(numbers))
    frames = 2 * motion.frames - 1
    assert heard == [(k, frames) for k in range(1, frames + 1)]
    command = [find_ffmpeg(), "-i", str(tmp_path / "film.mp4"), "-f", "null", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "h264" in text
    assert "yuv420p" in text
    assert "128x96" in text
    assert "30 fps" in text
    assert f"frame={frames:5}" in text


def test_a_gif_loops_at_its_true_speed(tmp_path, motion):
    video(motion, tmp_path / "film.GIF", size=SIZE)
    with Image.open(tmp_path / "film.GIF") as film:
        assert film.n_frames == 11  # 0.5 s at 20 a second, both ends
        assert film.info["loop"] == 0
        assert film.info["duration"] == 50
        assert film.size == SIZE


@pytest.mark.parametrize("name", ["film.mp4", "film.gif"])
def test_a_video_that_is_cancelled_leaves_nothing(tmp_path, motion, name):
    def stop(done, total):
        if done == 3:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        video(motion, tmp_path / name, size=SIZE, on_frame=stop)
    assert list(tmp_path.iterdir()) == []


def test_paths_that_cannot_be_written_say_so(tmp_path, motion):
    (tmp_path / "file").write_text("")
    with pytest.raises(IntermambaError, match=r"let its name end in \.mp4 or \.gif"):
        video(motion, tmp_path / "film.avi")
    for write, name in ((video, "film.gif"), (video, "film.mp4"), (contact_sheet, "sheet.png")):
        with pytest.raises(IntermambaError, match="Cannot write"):
            write(motion, tmp_path / "file" / name)
