"""The fast teacher, damaged in a known share: what a filter is to find."""

from collections.abc import Sequence

import numpy as np

from lauter.datasets.audio import Samples
from lauter.datasets.identity import content_id, digest
from lauter.datasets.prompts.phrases import phrase_texts
from lauter.datasets.records import Prompt, Request
from lauter.pipelines.references import REFERENCE_TEXTS
from lauter.teacher.fast import FastTeacher
from lauter.teacher.protocol import Capabilities, Speech

SHARE = 0.3
KINDS = ("wrong text", "cut off", "noise")
CUT_AT = (0.3, 0.7)
NOISE_DB = 0.0
"""Level of white noise over that of the speech."""


def damage_of(request_id: str) -> str | None:
    """Return what is wrong with a request's speech; it follows from the id alone."""
    drawn = int(digest("lauter.bench.damage.v1", request_id)[:12], 16) / 16**12
    return KINDS[int(drawn / SHARE * len(KINDS))] if drawn < SHARE else None


class DamagedTeacher:
    """Speaks as the fast teacher does, but for a share of the requests."""

    name = "damaged"

    def __init__(self) -> None:
        self._teacher = FastTeacher()
        self._others = phrase_texts(1000, seed=99)["text"].to_pylist()

    def capabilities(self) -> Capabilities:
        return self._teacher.capabilities()

    def fingerprint(self) -> str:
        damage = {"share": SHARE, "kinds": KINDS, "cut_at": CUT_AT, "noise_db": NOISE_DB}
        return content_id(
            "lauter.bench.damaged.v2", {"teacher": self._teacher.fingerprint(), **damage}
        )

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        return [self._spoken(request) for request in requests]

    def _spoken(self, request: Request) -> Speech | Exception:
        # The recording that shows the voice stays whole: all others are compared with it.
        shows_voice = request.prompt.text in REFERENCE_TEXTS.values()
        damage = None if shows_voice else damage_of(request.request_id)
        chance = np.random.default_rng(int(request.request_id[:8], 16))
        asked = request
        if damage == "wrong text":
            prompt = request.prompt
            other = self._others[int(chance.integers(len(self._others)))]
            wrong = Prompt(other, prompt.language, prompt.dialect, speaker=prompt.speaker)
            asked = Request(wrong, request.teacher, request.teacher_fingerprint, request.seed)
        (speech,) = self._teacher.speak([asked])
        if isinstance(speech, Exception) or speech.samples is None:
            return speech
        samples = _damaged(speech.samples, damage, chance)
        return Speech(speech.sample_rate, samples=samples, device_s=speech.device_s)


def _damaged(samples: Samples, damage: str | None, chance: np.random.Generator) -> Samples:
    if damage == "cut off":
        return samples[: int(len(samples) * chance.uniform(*CUT_AT))]
    if damage == "noise":
        level = np.sqrt(np.square(samples).mean()) * 10 ** (NOISE_DB / 20)
        noisy = samples + chance.normal(0, level, len(samples)).astype(np.float32)
        return (noisy / max(1.0, float(np.abs(noisy).max()))).astype(np.float32)
    return samples
