"""A teacher that says a text well or cut short, as text and seed decide; no real one is so sure.

Texts that contain ``hard`` come out well less often, and texts with ``never`` never do.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lauter.datasets.prompts.quotas import Draw, Quota
from lauter.datasets.records import Request
from lauter.datasets.voices import Voice
from lauter.filters.policy import Policy, parse_policy
from lauter.teacher.attempts import Attempt
from lauter.teacher.protocol import Capabilities, Speech

SAMPLE_RATE = 8000
DEVICE_S = 0.25
VOICES = (
    Voice("ada", "en-US", "female", "CC0-1.0", "a sine"),
    Voice("ben", "en-US", "male", "CC0-1.0", "a sine"),
)

POLICY: Policy = parse_policy(
    """
name: whole
gates:
  - gate: duration
    score: duration_s
    at_least: 0.2
    reason: It was cut short.
    examples: {pass: [0.5], fail: [0.1]}
"""
)


@dataclass(frozen=True)
class WaveringTeacher:
    good: float = 0.5
    sampled: bool = True
    name: str = "wavering"
    editing: bool = False

    def capabilities(self) -> Capabilities:
        emotions = {"neutral": 0, "joy": 5}
        return Capabilities(VOICES, emotions, sampled=self.sampled, editing=self.editing)

    def fingerprint(self) -> str:
        return f"wavering-{self.good}"

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Speech:
        prompt = request.prompt
        lot = hashlib.blake2b(f"{request.request_id}".encode(), digest_size=4).digest()
        good = 0.1 * self.good if "hard" in prompt.text else self.good
        is_good = int.from_bytes(lot) / 2**32 < (0 if "never" in prompt.text else good)
        seconds = 0.4 if is_good else 0.1
        tone = np.sin(np.arange(round(seconds * SAMPLE_RATE)) * 0.3) * 0.3
        return Speech(
            SAMPLE_RATE,
            samples=tone.astype(np.float32),
            device_s=DEVICE_S,
            server_attempts=(Attempt("here", "ok", 0.1, request.seed),),
        )


def draw_of(
    texts: Sequence[str], quotas: Sequence[Quota], speakers: int = 1, *, chains: bool = False
) -> Draw:
    table = pa.table(
        {
            "text": list(texts),
            "language": ["en"] * len(texts),
            "text_source": ["test"] * len(texts),
            "text_licence": ["CC0-1.0"] * len(texts),
        }
    )
    return Draw(quotas, ["en-US"], speakers, table, VOICES, 0, chains=chains)
