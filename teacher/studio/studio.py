"""The embedded teacher: neural voices on a CPU, and Audio-Edit for what they cannot act.

A request is read (front end), spoken neutrally (Kokoro), set to the base level and edited
(emotion, style, pace). The neutral speech of a text and speaker is kept for a while, so that the
levels of one sentence, which stand side by side in a plan, decode once.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from typing import Literal

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.records import Request
from lauter.datasets.weights import find, fingerprint
from lauter.teacher.edit import base_level
from lauter.teacher.edited import EDIT_VERSION, answer, edited_capabilities
from lauter.teacher.protocol import Capabilities, Speech
from lauter.teacher.studio.frontends import open_frontend, reader_versions
from lauter.teacher.studio.kokoro import SAMPLE_RATE, Kokoro
from lauter.teacher.studio.voices import Blend, Pack, Speaker, pack_of, read_packs, speakers

VERSION = 1
"""Raise it with every change of this package that changes what is heard."""


class Studio:
    """Speaks English of two countries, Mandarin and Japanese; real-time factor 0.6 on a core, 1 GB.

    ``voices`` names the speakers on offer. ``blends`` are pairs of voices of one dialect, with
    the weight of the first where it is not one half. ``speed`` is the pace of neutral speech, 1
    the voice's own. ``kept`` is how many neutral utterances are remembered, about 0.3 MB each.
    ``model`` is a path to another export of Kokoro v1.0 with the same inputs. Models load when
    they are first needed.
    """

    name = "studio"

    def __init__(
        self,
        voices: Sequence[str] | Literal["all"] = "all",
        blends: Sequence[Sequence[str | float]] | Literal["default"] = "default",
        speed: float = 1.0,
        kept: int = 32,
        model: str | None = None,
    ) -> None:
        if not 0.5 <= speed <= 2.0:
            raise UsageError(
                f"teacher.speed is {speed:g}; Kokoro speaks at 0.5 to 2 times its pace"
            )
        if isinstance(voices, str) and voices != "all":
            raise UsageError(f"teacher.voices is '{voices}'; give 'all' or a list of speakers")
        self._voices = None if voices == "all" else tuple(voices)
        self._blends = None if blends == "default" else tuple(_blend(given) for given in blends)
        self._speed = speed
        self._kept = kept
        self._model = model
        self._neutral: OrderedDict[tuple[str, str], Samples] = OrderedDict()
        self._packs: dict[str, Pack] = {}

    def capabilities(self) -> Capabilities:
        """Say what may be asked; only the names of the voices are read."""
        return edited_capabilities([speaker.voice for speaker in self._speakers.values()])

    def fingerprint(self) -> str:
        """Return a digest of all that decides the sound of a request.

        Which speakers are on offer is not part of it: a request names its own.
        """
        return content_id(
            "lauter.teacher.v1",
            {
                "teacher": self.name,
                "version": VERSION,
                "edit": EDIT_VERSION,
                "model": fingerprint("kokoro", self._model),
                "vocabulary": fingerprint("kokoro-vocabulary"),
                "voices": fingerprint("kokoro-voices"),
                "speed": float(self._speed),
                "readers": reader_versions(),
                "onnxruntime": metadata.version("onnxruntime"),
                "pyworld": metadata.version("pyworld"),
            },
        )

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        """Return the speech of each request, or the exception that came instead."""
        return [answer(self, request, self._spoken) for request in requests]

    def _spoken(self, request: Request) -> tuple[Samples, int]:
        """Return the text in its speaker's neutral voice, at the base level."""
        prompt = request.prompt
        key = (prompt.text, prompt.speaker)
        if key in self._neutral:
            self._neutral.move_to_end(key)
            return self._neutral[key], SAMPLE_RATE
        phonemes = open_frontend(prompt.dialect)(prompt.text)
        spoken = self._kokoro.speak(phonemes, self._pack(prompt.speaker), self._speed)
        neutral = base_level(spoken, SAMPLE_RATE)
        neutral.setflags(write=False)
        self._neutral[key] = neutral
        while len(self._neutral) > self._kept:
            self._neutral.popitem(last=False)
        return neutral, SAMPLE_RATE

    def _pack(self, name: str) -> Pack:
        if name not in self._speakers:  # only the empty name comes so far
            raise UsageError("the request names no speaker; let the planner choose one")
        if name not in self._packs:
            speaker = self._speakers[name]
            read = read_packs(find("kokoro-voices"), [pack for pack, _ in speaker.packs])
            self._packs[name] = pack_of(speaker, read)
        return self._packs[name]

    @cached_property
    def _speakers(self) -> dict[str, Speaker]:
        return speakers(find("kokoro-voices"), self._voices, self._blends)

    @cached_property
    def _kokoro(self) -> Kokoro:
        return Kokoro(find("kokoro", self._model), find("kokoro-vocabulary"))


def _blend(given: Sequence[str | float]) -> Blend:
    names, weights = given[:2], given[2:]
    if (
        len(names) == 2
        and len(weights) <= 1
        and all(isinstance(name, str) for name in names)
        and all(isinstance(weight, float | int) for weight in weights)
    ):
        return Blend(str(names[0]), str(names[1]), *map(float, weights))
    raise UsageError(
        f"teacher.blends holds '{given}'; give pairs of voices, such as [af_heart, af_bella], "
        "with the weight of the first where it is not one half"
    )
