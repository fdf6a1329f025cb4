"""Workers of Ray and Beam find the tests' own modules as this process does.

No example of a law is timed: on a busy machine any may take a second.
"""

import os
from pathlib import Path

from hypothesis import settings

SUPPORT = str(Path(__file__).parent / "support")
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [SUPPORT, os.environ.get("PYTHONPATH", "")])
)

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
