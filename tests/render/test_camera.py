import numpy as np
import pytest

from intermamba.render.camera import MARGIN, Camera, film

from ..clips import synthetic_pair

SIZE = (320, 240)


@pytest.fixture(scope="module")
def joints():
    return synthetic_pair(40).joints.astype(np.float64)


def test_projection_is_a_pinholes():
    camera = Camera(np.array([0.0, 1.0, -4.0]), np.diag([-1.0, 1.0, 1.0]), 100.0, SIZE)
    np.testing.assert_allclose(camera.project(np.array([0.0, 1.0, 0.0])), [160, 120, 4])
    np.testing.assert_allclose(camera.project(np.array([-1.0, 2.0, 0.0])), [160 + 25, 120 - 25, 4])


def test_the_floor_is_what_projects_onto_each_pixel(joints):
    camera = film(joints, 30.0, SIZE)[0]
    floor = camera.floor()
    seen = np.isfinite(floor[..., 0])
    assert seen[-1].all()
    y, x = np.nonzero(seen)
    pixels = camera.project(np.insert(floor[seen], 1, 0, axis=1))
    np.testing.assert_allclose(pixels[:, :2], np.stack([x + 0.5, y + 0.5], 1), atol=0.01)


@pytest.mark.parametrize("size", [(320, 240), (200, 400)])
def test_a_steady_camera_holds_both_people_all_the_time(joints, size):
    cameras = film(joints, 30.0, size)
    assert len(cameras) == joints.shape[1]
    assert all(camera is cameras[0] for camera in cameras)
    seen = cameras[0].project(joints)[..., :2] / size
    assert (np.abs(seen - 0.5) < MARGIN / 2).all()
    spread = seen.max((0, 1, 2)) - seen.min((0, 1, 2))
    assert spread.max() > 0.6 * MARGIN  # and no farther away than needed


def test_people_who_travel_are_followed_smoothly(joints):
    walk = np.linspace(0, 30, joints.shape[1])[:, None]
    joints = joints + walk[None, :, None] * (1, 0, 0)
    cameras = film(joints, 30.0, SIZE)
    for frame, camera in enumerate(cameras):
        seen = camera.project(joints[:, frame])[..., :2] / SIZE
        assert (np.abs(seen - 0.5) < 0.5).all()
    eyes = np.array([camera.eye for camera in cameras])
    assert np.ptp(eyes[:, 0]) > 10
    assert np.ptp(eyes[:, 1]) < 1e-9
    assert np.abs(np.diff(eyes, 2, axis=0)).max() < 0.2 * np.abs(np.diff(eyes, axis=0)).max()


def test_the_pair_is_seen_from_the_side_with_the_first_person_left(joints):
    camera = film(joints, 30.0, SIZE)[0]
    pelvis = camera.project(joints[:, :, 0])
    assert (pelvis[0, :, 0] < pelvis[1, :, 0]).all()
    assert camera.eye[1] > 1
    assert camera.axes[2, 1] < 0
    np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)
    turned = joints[..., [2, 1, 0]] * (1, 1, -1)
    pelvis = film(turned, 30.0, SIZE)[0].project(turned[:, :, 0])
    assert (pelvis[0, :, 0] < pelvis[1, :, 0]).all()
