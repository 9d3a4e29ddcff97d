"""Where the free motion data comes from, and on what terms: what a model card and a bundle's acknowledgement say."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Source:
    """One folder of motion data."""

    folder: str
    """Below --data."""
    title: str
    url: str
    licence: str
    content: str
    """How much, and of what."""
    terms: str = ""
    """What its users have to keep to."""
    acknowledgement: str = ""
    """The words that the owner asks for."""


CMU = Source(
    folder="cmu",
    title="CMU Graphics Lab Motion Capture Database",
    url="http://mocap.cs.cmu.edu",
    licence="CMU's own terms",
    content="12 salsa duets (3.3 min) and 220 single-person clips (34.9 min), captured",
    terms="Free for all uses, also in products; the motion data itself may not be resold, even converted.",
    acknowledgement=(
        "The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding "
        "from NSF EIA-0196217."
    ),
)
CMU_EXTRA = Source(
    folder="cmu_extra",
    title="CMU Graphics Lab Motion Capture Database, two-person contacts",
    url="http://mocap.cs.cmu.edu",
    licence="CMU's own terms",
    content="5 real contacts (handshake, high five, pull, hand in hand, holding on; 12 s) and 2 single-person clips",
    terms=CMU.terms,
    acknowledgement=CMU.acknowledgement,
)
ACCAD = Source(
    folder="accad",
    title="Open Motion Project",
    url="https://accad.osu.edu/research/motion-lab/mocap-system-and-data",
    licence="CC BY 3.0",
    content="110 single-person clips (12.8 min): martial arts and everyday motion, captured",
    terms="Name the author.",
    acknowledgement="Open Motion Project by ACCAD/The Ohio State University, CC BY 3.0; retargeted and converted.",
)
QUATERNIUS = Source(
    folder="quaternius",
    title="Universal Animation Library 1, and two KayKit clips",
    url="https://quaternius.com",
    licence="CC0 1.0",
    content="30 single-person clips (2.2 min), keyed by hand",
    acknowledgement="Animations by Quaternius and Kay Lousberg (CC0).",
)
MESH2MOTION = Source(
    folder="mesh2motion",
    title="Mesh2Motion community animations",
    url="https://github.com/Mesh2Motion/mesh2motion-app",
    licence="CC0 1.0",
    content="28 single-person clips (1.9 min), keyed by hand",
    acknowledgement="Animations by the Mesh2Motion contributors (CC0).",
)
DECENTRALAND = Source(
    folder="decentraland",
    title="Decentraland scene emotes",
    url="https://github.com/decentraland/godot-explorer",
    licence="Apache-2.0",
    content="17 single-person clips (0.6 min), keyed by hand",
    acknowledgement="Animations by the Decentraland godot-explorer contributors (Apache-2.0).",
)
HIFI = Source(
    folder="hifi",
    title="High Fidelity avatar animations",
    url="https://github.com/highfidelity/hifi",
    licence="Apache-2.0",
    content="3 single-person clips (0.3 min), keyed by hand",
    acknowledgement="Animations by High Fidelity, Inc. (Apache-2.0).",
)
ALL = (CMU, CMU_EXTRA, ACCAD, QUATERNIUS, MESH2MOTION, DECENTRALAND, HIFI)
