"""A teacher for tests and rehearsals that is still real speech, 20 to 100 times real time.

hibari speaks American English (a small network that learned Kokoro's voice Heart), Open JTalk
Japanese (a statistical voice of 2009). Two speakers, two languages; emotions as in the studio.
"""

from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np

from lauter.datasets.audio import Samples
from lauter.datasets.identity import content_id
from lauter.datasets.records import Request
from lauter.datasets.tags import Dialect
from lauter.datasets.voices import Voice
from lauter.datasets.weights import find, fingerprint
from lauter.teacher.edit import base_level
from lauter.teacher.edited import EDIT_VERSION, answer, edited_capabilities
from lauter.teacher.protocol import Capabilities, Speech
from lauter.teacher.silence import trimmed
from lauter.teacher.studio.frontends import japanese_nodes, open_frontend, reader_versions
from lauter.teacher.studio.reading import japanese

VERSION = 1
"""Raise it with every change of this file that changes what is heard."""

HEART = Voice(
    "heart",
    Dialect.EN_US.value,
    "female",
    "Apache-2.0",
    "synthetic voice published by the author of hibari-tts under Apache-2.0",
    identity="af_heart",
)
MEI = Voice(
    "mei",
    Dialect.JAPANESE.value,
    "female",
    "CC-BY-3.0",
    "HTS voice Mei, Nagoya Institute of Technology (MMDAgent), under CC-BY-3.0",
    identity="mei",
)

# Open JTalk gives samples in the range of 16-bit integers.
_SIXTEEN_BITS = 32768.0


class FastTeacher:
    """One English and one Japanese voice; the models load when they are first needed."""

    name = "fast"

    def capabilities(self) -> Capabilities:
        """Say what may be asked."""
        return edited_capabilities([HEART, MEI])

    def fingerprint(self) -> str:
        """Return a digest of all that decides the sound of a request."""
        return content_id(
            "lauter.teacher.v1",
            {
                "teacher": self.name,
                "version": VERSION,
                "edit": EDIT_VERSION,
                "model": fingerprint("hibari"),
                "readers": reader_versions(),
                "onnxruntime": metadata.version("onnxruntime"),
                "pyworld": metadata.version("pyworld"),
            },
        )

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        """Return the speech of each request, or the exception that came instead."""
        return [answer(self, request, self._spoken) for request in requests]

    def _spoken(self, request: Request) -> tuple[Samples, int]:
        text = request.prompt.text
        if request.prompt.dialect == Dialect.JAPANESE:
            samples, sample_rate = _mei(text)
        else:
            # hibari is deterministic but for the noise in fricatives, which the seed chooses.
            samples, sample_rate = self._hibari(text, seed=request.seed), self._hibari.sample_rate
        return base_level(trimmed(samples, sample_rate), sample_rate), sample_rate

    @cached_property
    def _hibari(self) -> Any:
        from hibari import Hibari

        return Hibari(model=str(find("hibari")), threads=1, g2p=open_frontend(Dialect.EN_US))


def _mei(text: str) -> tuple[Samples, int]:
    import pyopenjtalk

    labels = pyopenjtalk.make_label(japanese_nodes(japanese(text)))
    samples, sample_rate = pyopenjtalk.synthesize(labels)
    return (samples / _SIXTEEN_BITS).astype(np.float32), int(sample_rate)
