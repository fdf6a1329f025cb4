"""Material of songs for the tests: spoken lines, samples for scorers, and a measure."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lauter.datasets.audio import Clip, Samples
from lauter.datasets.records import Prompt, Request
from lauter.filters.protocol import Sample
from lauter.teacher.fast import FastTeacher
from lauter.teacher.protocol import Speech


def spoken_line(text: str) -> Speech:
    """Return real speech of the fast teacher's English voice."""
    teacher = FastTeacher()
    prompt = Prompt(text, "en", "en-US", speaker="heart")
    (speech,) = teacher.speak([Request(prompt, teacher.name, teacher.fingerprint(), 0)])
    assert isinstance(speech, Speech)
    return speech


def sample_of(clip: Clip, scores: Mapping[str, Any], *, style: str) -> Sample:
    """Return a line of a song as a scorer sees it."""
    prompt = Prompt("La la la.", "en", "en-US", style=style, speaker="somebody")
    return Sample(Request(prompt, "import", "songs", 0), clip, scores=scores)


def si_sdr_db(found: Samples, true: Samples) -> float:
    """Return the scale-invariant ratio of signal to distortion in dB."""
    target = float(found @ true) / float(true @ true) * true
    error = found - target
    return float(10 * np.log10((target @ target) / (error @ error + 1e-12)))
