"""The objective's terms against loops over people, frames and joints, and what its masks leave out."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from intermamba.motion.skeleton import FEET, L_HIP, L_SHOULDER, L_WRIST, PARENTS, R_HIP, R_SHOULDER, R_WRIST  # noqa: E402
from training.losses import LossWeights, loss_terms, total_loss  # noqa: E402

BATCH, FRAMES = 3, 6


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(3)
    target = torch.randn(BATCH, 2, FRAMES, 262, generator=generator)
    predicted = target + 0.3 * torch.randn(target.shape, generator=generator)
    mean, std = torch.randn(262, generator=generator), torch.rand(262, generator=generator) + 0.5
    t = torch.tensor([10, 700, 900])
    target[:2, 1, :, 12:15] = target[:2, 0, :, 30:33]
    target[:, 1, :, 60:63], std[60:63], mean[60:63] = target[:, 0, :, 6:9], std[6:9], mean[6:9] + 0.1
    mean[12:15], std[12:15] = (
        mean[30:33] + 0.02,
        std[30:33],
    )  # joint 4 of one person touches joint 10 of the other
    mask = torch.ones(BATCH, FRAMES, dtype=torch.bool)
    mask[1, 4:] = False
    return predicted, target, t, mask, mean, std


def mean_over(frames, samples, value):
    """Mean over the frames of each sample that count, then over the samples."""
    return np.mean([np.mean([value(b, f) for f in frames(b)]) for b in samples])


def reference(case):
    predicted, target, t, mask, mean, std = (
        x.double().numpy() if x.is_floating_point() else x.numpy() for x in case
    )
    people = range(2)
    a, b = ((x * std + mean)[..., :66].reshape(BATCH, 2, FRAMES, 22, 3) for x in (predicted, target))
    contact = (target * std + mean)[..., 258:] > 0.5
    near_end = [s for s in range(BATCH) if t[s] <= 700]
    every = range(BATCH)

    def frames(s):
        return [f for f in range(FRAMES) if mask[s, f]]

    def steps(s):
        return [f for f in range(FRAMES - 1) if mask[s, f] and mask[s, f + 1]]

    def velocity(s, f):
        return np.mean([((a[s, p, f + 1] - a[s, p, f]) - (b[s, p, f + 1] - b[s, p, f])) ** 2 for p in people])

    def foot(s, f):
        slides = [
            np.sum((a[s, p, f + 1, joint] - a[s, p, f, joint]) ** 2) * contact[s, p, f, i]
            for p in people
            for i, joint in enumerate(FEET)
        ]
        return np.mean(slides)

    def length(x, k):
        return np.linalg.norm(x[k] - x[PARENTS[k]])

    def bone(s, f):
        return np.mean(
            [(length(a[s, p, f], k) - length(b[s, p, f], k)) ** 2 for p in people for k in range(1, 22)]
        )

    def distance_map(s, f):
        errors = []
        for i in range(22):
            for j in range(22):
                ours, real = (np.linalg.norm(x[s, 0, f, i] - x[s, 1, f, j]) for x in (a, b))
                errors.append((ours - real) ** 2 if min(ours, real) < 1 else 0.0)
        return np.mean(errors)

    def yaw(x):
        across = x[L_HIP] - x[R_HIP] + x[L_SHOULDER] - x[R_SHOULDER]
        return np.arctan2(-across[2], across[0])

    def orientation(s, f):
        ours, real = (yaw(x[s, 1, f]) - yaw(x[s, 0, f]) for x in (a, b))
        return (np.cos(ours) - np.cos(real)) ** 2 + (np.sin(ours) - np.sin(real)) ** 2

    def pose(s, f):
        return np.mean([((a[s, p, f] - a[s, p, f, 0]) - (b[s, p, f] - b[s, p, f, 0])) ** 2 for p in people])

    def reach(s, f):
        total = 0.0
        for p in people:
            for hand in (L_WRIST, R_WRIST):
                for joint in range(22):
                    ours, real = (x[s, 1 - p, f, joint] - x[s, p, f, hand] for x in (a, b))
                    total += np.sum((ours - real) ** 2) * max(0.0, 1 - np.linalg.norm(real) / 0.4)
        return total

    def affinity(s, f):
        pairs = [(a[s, :, f, [i, j]], b[s, :, f, [i, j]]) for i in range(22) for j in range(22)]
        gaps = [[np.linalg.norm(x[0, 0] - x[1, 1]) for x in pair] for pair in pairs]
        return np.mean([ours**2 if real < 0.1 else 0.0 for ours, real in gaps])

    return {
        "diffusion": mean_over(
            frames, every, lambda s, f: np.mean((predicted[s, :, f] - target[s, :, f]) ** 2)
        ),
        "velocity": mean_over(steps, near_end, velocity),
        "foot": mean_over(steps, near_end, foot),
        "bone": mean_over(frames, near_end, bone),
        "distance_map": mean_over(frames, near_end, distance_map),
        "orientation": mean_over(frames, near_end, orientation),
        "pose": mean_over(frames, every, pose),
        "reach": mean_over(frames, every, reach),
        "affinity": mean_over(frames, near_end, affinity),
    }


def test_terms_equal_loops(case):
    expected = reference(case)
    terms = loss_terms(*case)
    assert terms.keys() == expected.keys()
    assert expected["affinity"] > 1e-4
    assert expected["reach"] > 1e-4
    for name, value in terms.items():
        assert float(value) == pytest.approx(expected[name], rel=2e-4, abs=1e-6), name


def test_a_perfect_prediction_costs_nothing_but_real_foot_sliding_and_real_gaps(case):
    _, target, t, mask, mean, std = case
    terms = loss_terms(target, target, t, mask, mean, std)
    assert {name for name, value in terms.items() if float(value) > 1e-9} == {"foot", "affinity"}


def test_frames_beyond_the_mask_and_late_steps_do_not_count(case):
    predicted, target, t, mask, mean, std = case
    before = loss_terms(*case)
    changed = predicted.clone()
    changed[1, :, 4:] += 5  # masked out
    changed[2] += 5  # t = 900
    after = loss_terms(changed, target, t, mask, mean, std)
    for name in before:
        if name not in ("diffusion", "pose", "reach"):  # linear, and so of use in noise too
            assert float(after[name]) == pytest.approx(float(before[name])), name


def test_total_is_the_weighted_sum(case):
    terms = loss_terms(*case)
    weights = LossWeights(pose=2)
    assert float(total_loss(terms, weights)) == pytest.approx(
        sum(getattr(weights, name) * float(value) for name, value in terms.items())
    )


def test_terms_of_parts_sum_to_those_of_the_whole(case):
    predicted, target, t, mask, mean, std = case
    parts = [
        loss_terms(predicted[rows], target[rows], t[rows], mask[rows], mean, std, whole_t=t)
        for rows in (slice(0, 1), slice(1, 3))
    ]
    for name, value in loss_terms(*case).items():
        assert float(sum(part[name] for part in parts)) == pytest.approx(float(value), rel=1e-5), name


def test_affinity_pulls_touching_joints_together_when_it_has_a_weight(case):
    predicted, *others = case
    predicted.requires_grad_(True)
    for weight, moved in ((0.0, set()), (3.0, {*range(12, 15), *range(30, 33)})):
        weights = LossWeights(
            diffusion=1e-9, velocity=0, foot=0, bone=0, distance_map=0, orientation=0, affinity=weight
        )
        (gradient,) = torch.autograd.grad(total_loss(loss_terms(predicted, *others), weights), predicted)
        assert set((gradient.abs().sum((0, 1, 2)) > 1e-6).nonzero().flatten().tolist()) == moved
