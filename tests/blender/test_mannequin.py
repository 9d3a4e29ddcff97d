"""The mannequin's skin: closed, outward, on the floor, and of the size of its bones."""

import numpy as np
import pytest

from blender_addon.mannequin import ACCENT, BODY, build_skin
from blender_addon.surface import Cone, Ellipsoid, surface_of
from intermamba.motion.skeleton import DEFAULT_REST, MIRROR, PARENTS
from intermamba.retarget.transfer import Z_UP


def standing(scale=1.0):
    joints = scale * DEFAULT_REST @ Z_UP.T
    for k in range(1, 22):
        joints[k] += joints[PARENTS[k]]
    joints[:, 2] += 0.025 * scale - joints[:, 2].min()
    return joints


def volume(vertices, quads):
    """Signed volume (m3) inside quads: positive when they face outward."""
    a, b, c, d = (vertices[quads[:, k]] for k in range(4))
    return (np.einsum("ni,ni->", np.cross(a, b), c) + np.einsum("ni,ni->", np.cross(a, c), d)) / 6.0


def edge_uses(quads):
    edges = np.sort(np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


@pytest.fixture(scope="module")
def skin():
    return build_skin(standing())


def test_a_sphere_comes_out_as_a_sphere():
    vertices, quads = surface_of([Ellipsoid(np.array([1.0, 2.0, 3.0]), np.full(3, 0.5))], 0.05, 0.01)
    assert np.abs(np.linalg.norm(vertices - [1, 2, 3], axis=1) - 0.5).max() < 1e-3
    assert volume(vertices, quads) == pytest.approx(4 / 3 * np.pi * 0.125, rel=0.01)
    assert (edge_uses(quads) == 2).all()


def test_a_cones_distance_is_that_to_its_ends_and_side():
    cone = Cone(np.zeros(3), np.array([1.0, 0.0, 0.0]), (0.2, 0.2))
    points = np.array([[0.5, 0.3, 0.0], [-0.5, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    assert cone.distance(points) == pytest.approx([0.1, 0.3, -0.2, 0.8])


def test_the_skin_is_closed_and_faces_outward(skin):
    assert (edge_uses(skin.quads) % 2 == 0).all()
    assert 0.04 < volume(skin.vertices, skin.quads) < 0.10  # a person is about 0.07 cubic metres


def test_the_skin_stands_on_the_floor_and_is_as_tall_as_a_person(skin):
    assert skin.vertices[:, 2].min() == pytest.approx(0.0, abs=0.005)
    assert 1.65 < skin.vertices[:, 2].max() < 1.85
    half = build_skin(standing(0.5))
    assert half.vertices.max(axis=0) == pytest.approx(0.5 * skin.vertices.max(axis=0), abs=0.02)


def test_weights_are_shared_by_neighbours_alone(skin):
    assert skin.weights.sum(axis=1) == pytest.approx(np.ones(len(skin.weights)))
    assert (skin.weights > 0).any(axis=0).all()
    strong = skin.weights > 0.2
    assert (strong.sum(axis=1) <= 4).all()
    for limb in (*PARENTS[[7, 10]], 7, 10, 18, 20):  # no knee, foot, elbow or hand pulls at the other side
        assert not (strong[:, limb] & strong[:, MIRROR[limb]]).any()


def test_both_materials_are_used(skin):
    assert set(np.unique(skin.materials)) == {BODY, ACCENT}
