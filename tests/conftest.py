"""Workers of Ray and Beam find the tests' own modules as this process does."""

import os
from pathlib import Path

SUPPORT = str(Path(__file__).parent / "support")
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [SUPPORT, os.environ.get("PYTHONPATH", "")])
)
