from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from intermamba.errors import IntermambaError
from intermamba.render.gallery import CELL, GAP, GUTTER, choose_moments, gallery
from intermamba.render.sheet import BORDER

from ..clips import synthetic_pair


@pytest.fixture(scope="module")
def motion():
    return replace(synthetic_pair(16), prompt="Two people dance salsa " * 9)


def test_strips_lie_in_columns(tmp_path, motion):
    gallery([("One", motion), ("Two", motion), ("Three", motion)], tmp_path / "g.png", moments=2)
    with Image.open(tmp_path / "g.png") as sheet:
        strip = 2 * CELL[0] + GAP
        assert sheet.width == 2 * BORDER + 2 * strip + GUTTER
        assert sheet.height > 2 * CELL[1]
        rgb = sheet.convert("RGB")
        paper, low = rgb.getpixel((2, 2)), sheet.height - BORDER - GUTTER
        assert rgb.getpixel((BORDER + 4, low)) != paper
        assert rgb.getpixel((sheet.width - BORDER - 4, low)) == paper  # a fourth is missing


def test_a_single_motion_needs_one_column(tmp_path, motion):
    gallery([("One", motion)], tmp_path / "g.png", moments=1)
    with Image.open(tmp_path / "g.png") as sheet:
        assert sheet.width == 2 * BORDER + CELL[0]


def test_a_gallery_that_cannot_be_written_is_told(tmp_path, motion):
    (tmp_path / "file").write_text("")
    with pytest.raises(IntermambaError):
        gallery([("One", motion)], tmp_path / "file" / "g.png", moments=1)


def test_moments_are_those_of_people_near_each_other():
    joints = np.zeros((2, 100, 22, 3))
    joints[1, :, 0, 0] = 5.0
    joints[1, 40:90, 0, 0] = 1.0
    assert choose_moments(joints, 5).tolist() == [45, 55, 64, 74, 84]
    joints[1, 50:, 0, 0] = 5.0  # too short to stand for the whole
    assert choose_moments(joints, 5).tolist() == [10, 30, 50, 69, 89]
