"""Small ASF and AMC files of people on CMU's skeleton, written for tests."""

import numpy as np

# Bone: parent, direction, length (units of an inch / 0.45), axis (degrees), degrees of freedom. The left side.
_LEFT = {
    "lhipjoint": ("root", (0.66, -0.71, 0.25), 2.5, (0, 0, 0), ""),
    "lfemur": ("lhipjoint", (0.342, -0.94, 0), 7.6, (0, 0, 20), "rx ry rz"),
    "ltibia": ("lfemur", (0.342, -0.94, 0), 7.3, (0, 0, 20), "rx"),
    "lfoot": ("ltibia", (0.09, -0.24, 0.966), 2.2, (-90, 0, 20), "rx rz"),
    "ltoes": ("lfoot", (0, 0, 1), 1.1, (-90, 0, 20), "rx"),
    "lclavicle": ("thorax", (0.968, 0.247, -0.047), 3.66, (0, 0, 0), "ry rz"),
    "lhumerus": ("lclavicle", (1, 0, 0), 4.9, (180, 30, 90), "rx ry rz"),
    "lradius": ("lhumerus", (1, 0, 0), 3.4, (180, 30, 90), "rx"),
    "lwrist": ("lradius", (1, 0, 0), 1.7, (180, 30, 90), "ry"),
    "lhand": ("lwrist", (1, 0, 0), 0.66, (-90, 0, 90), "rx rz"),
}
_MIDDLE = {
    "lowerback": ("root", (0.01, 0.997, -0.07), 2.06, (0, 0, 0), "rx ry rz"),
    "upperback": ("lowerback", (0, 1, -0.03), 2.07, (0, 0, 0), "rx ry rz"),
    "thorax": ("upperback", (0, 1, 0), 2.07, (0, 0, 0), "rx ry rz"),
    "lowerneck": ("thorax", (0, 0.995, 0.095), 1.57, (0, 0, 0), "rx ry rz"),
    "upperneck": ("lowerneck", (0.02, 0.998, -0.06), 1.56, (0, 0, 0), "rx ry rz"),
    "head": ("upperneck", (0, 1, -0.03), 1.63, (0, 0, 0), "rx ry rz"),
}


def _right(name):
    return "r" + name[1:] if name in _LEFT else name


BONES = dict(_MIDDLE)
for _name, (_parent, _way, _length, _axis, _dof) in _LEFT.items():
    BONES[_name] = (_parent, _way, _length, _axis, _dof)
    BONES[_right(_name)] = (
        _right(_parent), (-_way[0], *_way[1:]), _length, (_axis[0], -_axis[1], -_axis[2]), _dof
    )  # fmt: skip


def write_asf(path, *, scale=1.0, length=0.45, root_order="TX TY TZ RX RY RZ"):
    lines = [
        "# a skeleton", ":version 1.10", ":name TEST", ":units", "  mass 1.0", f"  length {length}", "  angle deg",
        ":documentation", "   made for a test", ":root", f"   order {root_order}", "   axis XYZ",
        "   position 0 0 0  ", "   orientation 0 0 0 ", ":bonedata",
    ]  # fmt: skip
    for number, (name, (_, way, size, axis, dof)) in enumerate(BONES.items(), 1):
        lines += [
            "  begin",
            f"     id {number} ",
            f"     name {name}",
            f"     direction {' '.join(map(str, way))} ",
            f"     length {size * scale} ",
            f"     axis {' '.join(map(str, axis))}  XYZ",
        ]
        if dof:
            lines += [f"    dof {dof}", "    limits (-160.0 20.0)"]
            lines += ["           (-70.0 70.0)"] * (len(dof.split()) - 1)
        lines.append("  end")
    children: dict[str, list[str]] = {}
    for name, (parent, *_) in BONES.items():
        children.setdefault(parent, []).append(name)
    lines += [":hierarchy", "  begin"]
    for parent in ["root", *BONES]:
        if parent in children:
            lines.append(f"    {' '.join([parent, *children[parent]])}")
    path.write_text("\r\n".join([*lines, "  end", ""]))
    return path


def random_frames(frames, seed=0, *, at=(0.0, 17.0, 0.0), turn=0.0):
    """A dictionary of numbers for every frame: slow waves about a standing pose, arms down."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / 40.0

    def waves(count, size):
        return size * np.sin(time * rng.uniform(0.5, 1.5, count) + rng.uniform(0, 6, count))

    values = {name: waves(len(dof.split()), 8.0) for name, (*_, dof) in BONES.items() if dof}
    for side, sign in (("l", 1), ("r", -1)):
        values[f"{side}tibia"] = 20 + waves(1, 15.0)
        values[f"{side}humerus"] = values[f"{side}humerus"] + np.array([-30, 0, sign * 60.0])
        values[f"{side}radius"] = 40 + waves(1, 20.0)
    root = np.concatenate([at + waves(3, 1.0) * [1, 0.2, 1], waves(3, 5.0) + np.array([0, turn, 0])], axis=1)
    return [{"root": root[t]} | {name: rows[t] for name, rows in values.items()} for t in range(frames)]


def write_amc(path, frames):
    lines = ["#!OML:ASF made for a test", ":FULLY-SPECIFIED", ":DEGREES"]
    for number, frame in enumerate(frames, 1):
        lines.append(str(number))
        lines += [f"{name} {' '.join(f'{v:.9g}' for v in row)}" for name, row in frame.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


def turn_matrix(angles, letters="xyz"):
    """Matrix of angles in degrees about fixed axes, the first applied first."""
    out = np.eye(3)
    for angle, letter in zip(np.radians(angles), letters, strict=True):
        c, s = np.cos(angle), np.sin(angle)
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[letter]
        one = np.eye(3)
        one[i, i] = one[j, j] = c
        one[i, j], one[j, i] = -s, s
        out = one @ out
    return out


def slow_ends(frame, *, scale=1.0):
    """Where every bone starts and ends in one frame, in metres, by matrices and bone by bone."""
    unit = 0.0254 / 0.45
    spins = {"root": turn_matrix(frame["root"][3:])}
    ends = {"root": np.array(frame["root"][:3]) * unit}
    starts = {}
    for name, (parent, way, size, axis, dof) in BONES.items():
        axes = turn_matrix(axis)
        turn = turn_matrix(frame.get(name, ()), [word[1] for word in dof.split()])
        spins[name] = spins[parent] @ axes @ turn @ axes.T
        starts[name] = ends[parent]
        ends[name] = ends[parent] + spins[name] @ np.array(way) * size * scale * unit
    return starts, ends
