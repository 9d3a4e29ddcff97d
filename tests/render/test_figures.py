import numpy as np
import pytest

from intermamba.motion.skeleton import L_ANKLE, L_FOOT, NECK
from intermamba.render.camera import film
from intermamba.render.capsules import CapsuleCanvas
from intermamba.render.figures import CLOTHES, LIMBS, NOSE, Stage, body_points
from intermamba.render.floor import draw_floor

from ..clips import synthetic_pair

SIZE = (240, 200)
FOCAL = 100.0


@pytest.fixture(scope="module")
def clip():
    return synthetic_pair(12)


def sphere_sweep(a, b, radius_a, radius_b, width, height):
    """Depth of a rounded cone: of many spheres along it, the slow way; inf where it is not."""
    y, x = np.mgrid[:height, :width] + 0.5
    depth = np.full((height, width), np.inf)
    for t in np.linspace(0, 1, 400):
        (px, py, pz), radius = a + (b - a) * t, radius_a + (radius_b - radius_a) * t
        pixels = (1 - t) * radius_a * FOCAL / a[2] + t * radius_b * FOCAL / b[2]
        flat = 1 - ((x - px) ** 2 + (y - py) ** 2) / pixels**2
        depth = np.where(flat > 0, np.minimum(depth, pz - radius * np.sqrt(np.maximum(flat, 0))), depth)
    return depth


@pytest.mark.parametrize(
    ("a", "b", "radius_a", "radius_b"),
    [
        ([20, 20, 4], [70, 45, 4.2], 0.4, 0.2),
        ([70, 20, 4], [20, 20, 4], 0.2, 0.4),
        ([40, 30, 4], [40, 30, 4.5], 0.3, 0.5),  # along the view
        ([40, 30, 4], [43, 30, 4.1], 0.2, 0.6),  # one end inside the other
        ([-5, 10, 4], [50, 75, 4], 0.3, 0.3),  # over the edge
    ],
)
def test_capsules_are_swept_spheres(a, b, radius_a, radius_b):
    a, b = np.array(a, float), np.array(b, float)
    canvas = CapsuleCanvas(90, 64)
    canvas.draw(a, b, radius_a, radius_b, FOCAL, 3)
    expected = sphere_sweep(a, b, radius_a, radius_b, 90, 64)
    drawn = canvas.colour == 3
    assert (drawn != np.isfinite(expected)).mean() < 0.005
    both = drawn & np.isfinite(expected)
    error = np.abs(canvas.depth[both] - expected[both])
    assert np.median(error) < 0.01
    assert np.quantile(error, 0.95) < 0.2
    assert (canvas.across[both] ** 2 + canvas.down[both] ** 2 <= 1).all()


def test_what_is_outside_the_canvas_is_not_drawn():
    canvas = CapsuleCanvas(20, 20)
    canvas.draw(np.array([100.0, 100, 4]), np.array([120.0, 90, 4]), 0.2, 0.2, FOCAL, 1)
    assert not canvas.colour.any()


def test_the_nearer_limb_covers_the_farther_one_in_any_order():
    near = np.array([10.0, 30, 3]), np.array([50.0, 30, 3])
    far = np.array([30.0, 10, 5]), np.array([30.0, 50, 5])
    pictures = []
    for order in ([(near, 1), (far, 2)], [(far, 2), (near, 1)]):
        canvas = CapsuleCanvas(60, 60)
        for (a, b), colour in order:
            canvas.draw(a, b, 0.2, 0.2, FOCAL, colour)
        pictures.append(canvas.colour)
    assert pictures[0][30, 30] == 1
    assert pictures[0][12, 30] == 2
    np.testing.assert_array_equal(*pictures)


def test_light_comes_from_above(clip):
    camera = film(clip.joints, clip.fps, SIZE)[0]
    canvas = CapsuleCanvas(60, 60)
    canvas.draw(np.array([30.0, 30, 4]), np.array([31.0, 30, 4]), 0.8, 0.8, FOCAL, 1)
    ramp = np.stack([np.zeros((256, 4), np.uint8), np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, 1)])
    picture = canvas.shade(ramp, camera)[..., 0].astype(int)
    assert picture[0, 0] == 0
    assert picture[14, 26] > picture[30, 30] > picture[46, 34] > 0


def test_both_people_stand_on_the_floor_in_their_colours(clip):
    camera = film(clip.joints, clip.fps, SIZE)[0]
    picture = np.asarray(Stage().draw(clip.joints[:, 0], camera), int)
    empty = np.asarray(draw_floor(camera), int)
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    centres = []
    for colour in CLOTHES:
        hue = np.array(colour) / np.linalg.norm(colour)
        like = (picture @ hue) / np.maximum(np.linalg.norm(picture, axis=-1), 1) > 0.985
        assert like.sum() > 300
        centres.append(np.nonzero(like)[1].mean())
    assert centres[0] < centres[1]
    feet = camera.project(clip.joints[:, 0, L_FOOT] * (1, 0, 1)).astype(int)
    for x, y, _ in feet:
        assert (picture[y : y + 6, x : x + 8].sum(-1) < empty[y : y + 6, x : x + 8].sum(-1)).any()
    np.testing.assert_array_equal(picture[:8], empty[:8])


def test_ghosts_are_fainter_than_the_people(clip):
    camera = film(clip.joints, clip.fps, SIZE)[0]
    stage = Stage()
    past, now = clip.joints[:, 0], clip.joints[:, 0] + np.float32([0, 0, 5])  # far behind: out of the way
    plain = np.asarray(stage.draw(now, camera), int)
    solid = np.asarray(stage.draw(past, camera), int)
    ghost = np.asarray(stage.draw(now, camera, [past]), int)
    seen = np.abs(ghost - plain).sum()
    assert 0 < seen < 0.6 * np.abs(solid - plain).sum()


def test_hands_feet_and_head_are_where_they_belong(clip):
    points = body_points(clip.joints.astype(float))
    assert points.shape == (*clip.joints.shape[:2], 32, 3)
    assert {end for limb in LIMBS for end in limb[:2]} >= set(range(22, 32))
    np.testing.assert_array_equal(points[..., :22, :], clip.joints.astype(float))
    head = points[..., NOSE, :] - points[..., NECK, :]
    partner = points[::-1, :, NECK] - points[:, :, NECK]
    assert (np.sum(head * partner, -1) > 0).all()  # they face each other
    heel, tip = points[..., 24, :], points[..., 26, :]
    assert (heel[..., 1] < points[..., L_ANKLE, 1]).all()
    length = np.linalg.norm((tip - heel)[..., [0, 2]], axis=-1)
    assert ((length > 0.15) & (length < 0.35)).all()
