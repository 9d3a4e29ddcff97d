"""The paper's Tables I and II as printed (Wu et al. 2026), to set one's own rows beside."""

from .protocol import COLUMNS
from .scores import Interval

_INTERHUMAN = """
Real              | 0.452 .008 | 0.610 .009 | 0.701 .008 | 0.273 .003  | 3.755 .007  | 7.948 .064 | -
TEMOS             | 0.224 .010 | 0.316 .013 | 0.450 .018 | 17.375 .043 | 5.342 .015  | 6.939 .071 | 0.535 .014
T2M               | 0.238 .012 | 0.325 .010 | 0.464 .014 | 13.769 .072 | 4.731 .013  | 7.046 .022 | 1.387 .076
MDM               | 0.153 .012 | 0.260 .009 | 0.339 .012 | 9.167 .056  | 6.125 .018  | 7.602 .045 | 2.355 .080
ComMDM*           | 0.067 .013 | 0.125 .018 | 0.184 .015 | 38.643 .098 | 13.211 .013 | 3.520 .058 | 0.217 .018
ComMDM            | 0.223 .009 | 0.334 .008 | 0.466 .011 | 7.069 .054  | 5.212 .021  | 7.244 .038 | 1.822 .052
RIG               | 0.285 .010 | 0.409 .014 | 0.521 .013 | 6.775 .069  | 4.876 .018  | 7.311 .043 | 2.096 .065
InterGen          | 0.371 .010 | 0.515 .012 | 0.624 .010 | 5.918 .079  | 5.108 .012  | 7.387 .029 | 2.141 .063
in2IN             | 0.425 .008 | 0.576 .006 | 0.662 .009 | 5.535 .120  | 3.803 .002  | 7.983 .047 | 1.215 .023
InterMamba        | 0.475 .005 | 0.625 .006 | 0.706 .004 | 5.945 .007  | 3.785 .003  | 7.963 .033 | 0.993 .026
InterMamba, light | 0.443 .005 | 0.592 .005 | 0.671 .004 | 8.082 .095  | 3.801 .004  | 7.991 .033 | 0.965 .020
"""
_INTERX = """
Real              | 0.429 .004 | 0.626 .003 | 0.736 .003 | 0.002 .0002  | 3.536 .013  | 9.734 .078 | -
TEMOS             | 0.092 .003 | 0.171 .003 | 0.238 .002 | 29.258 .0694 | 6.867 .013  | 4.738 .078 | 0.672 .041
T2M               | 0.184 .010 | 0.298 .006 | 0.396 .005 | 5.481 .3820  | 9.576 .006  | 5.771 .151 | 2.761 .042
T2M*              | 0.325 .004 | 0.487 .005 | 0.593 .005 | 4.506 .020   | 8.5347 .055 | 5.771 .151 | 2.761 .042
MDM               | 0.203 .009 | 0.329 .007 | 0.426 .005 | 23.701 .0569 | 9.548 .014  | 5.856 .077 | 3.490 .061
MDM(GRU)          | 0.179 .006 | 0.299 .005 | 0.387 .007 | 32.617 .1221 | 9.557 .019  | 7.003 .134 | 3.430 .035
ComMDM            | 0.090 .002 | 0.165 .004 | 0.236 .003 | 29.266 .0668 | 6.870 .017  | 4.734 .067 | 0.771 .053
InterGen          | 0.207 .004 | 0.335 .005 | 0.429 .005 | 5.207 .2160  | 9.580 .018  | 7.788 .208 | 3.686 .052
InterMamba        | 0.416 .004 | 0.605 .004 | 0.711 .004 | 1.873 .029   | 3.862 .016  | 8.459 .046 | 2.427 .044
InterMamba, light | 0.406 .005 | 0.594 .005 | 0.705 .005 | 2.431 .051   | 3.982 .015  | 8.407 .073 | 2.237 .064
"""
TITLES = {"interhuman": "Table I: InterHuman", "interx": "Table II: Inter-X"}
REMARKS = {
    "interhuman": "Rows above in2IN come from an earlier evaluator: their MM Dist cannot occur on the public one.",
    "interx": (
        "T2M* is printed with its columns moved: by the log of Inter-X's authors its 4.506 is MM Dist and its 8.5347 "
        "Diversity."
    ),
}


def rows(dataset: str) -> dict[str, dict[str, Interval]]:
    """The rows of a data set's table by method; none for a data set that the paper has no table of."""
    lines = {"interhuman": _INTERHUMAN, "interx": _INTERX}.get(dataset, "").strip().splitlines()
    return dict(map(_row, lines))


def _row(line: str) -> tuple[str, dict[str, Interval]]:
    method, *cells = (cell.strip() for cell in line.split("|"))
    pairs = zip(COLUMNS, cells, strict=True)
    return method, {name: Interval(*map(float, cell.split())) for name, cell in pairs if cell != "-"}
