"""How near a target speaker comes in a language that it never spoke, and what that costs in words.

    PYTHONPATH=bench python bench/target_speaker.py FOLDER [TARGET/DIALECT ...]

English voices of the studio are lent to its native voices of Mandarin and Japanese. Similarity is
the cosine of GE2E embeddings to the target's own recording, in English; errors are the recogniser's
characters. Beside the regenerated utterances, after one pass and more, stand the native one that
they were made from and that through the codec with its own timbre. What can be reached at all is
told by the target in English: as it is, and through the codec.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from lauter.datasets.audio import Clip
from lauter.datasets.prompts.builtin_set import builtin_texts
from lauter.datasets.records import Prompt, Request, dialect_language
from lauter.datasets.tags import Dialect
from lauter.datasets.weights import find
from lauter.filters.asr import SAMPLE_RATE as HEARD_HZ
from lauter.filters.asr import WhisperRecogniser
from lauter.filters.error_rate import character_error_rates
from lauter.filters.speaker import SAMPLE_RATE, SpeakerEncoder
from lauter.pipelines.references import REFERENCE_TEXTS
from lauter.pipelines.regenerate import most_similar, regenerated
from lauter.pipelines.target_speaker import TargetSpeaker
from lauter.student.codec.codec import Codec, Decoding, Timbre, open_codec
from lauter.student.evaluation import Bootstrap, Estimate, Ratio
from lauter.teacher.studio.studio import Studio

TARGETS = ("af_heart", "am_michael", "bf_emma", "bm_george")
DIALECTS = ("cmn", "ja-JP")
TEXTS = 8
PRESSED = Decoding(steps=6, guidance=0.7)
SYSTEMS: dict[str, dict[str, Any]] = {
    "1 pass, 2 steps": {},
    "1 pass": {"decoding": PRESSED},
    "2 passes": {"decoding": PRESSED, "passes": 2},
    "3 passes": {"decoding": PRESSED, "passes": 3},
}
HOME = ("The train was late again this morning.", "We counted forty boats on the quiet lake.")


@dataclass(frozen=True, eq=False)
class Heard:
    """One utterance of a system for a target, with its similarity to that and its errors."""

    system: str
    target: str
    dialect: str
    native: str
    text: str
    similarity: float
    cer: float


def measured(target: str, dialect: str, texts: int) -> Iterator[Heard]:
    """Yield each utterance of each system."""
    open_native = partial(Studio, blends=[])
    teacher = TargetSpeaker(open_native, [target])
    codec = open_codec()
    encoder = SpeakerEncoder(find("speaker-encoder", None))
    recogniser = WhisperRecogniser()
    studio = open_native()

    def said(speaker: str, text: str, dialect: str) -> Clip:
        prompt = Prompt(text, dialect_language(dialect), dialect, speaker=speaker)
        (speech,) = studio.speak([Request(prompt, studio.name, "", 0)])
        assert not isinstance(speech, Exception) and speech.samples is not None, speech
        return Clip.of(speech.samples, speech.sample_rate)

    recording = Clip(teacher.reference(f"{target}_{dialect}", dialect).audio)
    timbre = codec.timbre(recording.samples, recording.sample_rate)
    (own,) = encoder.embed([recording.at(SAMPLE_RATE)])

    def heard(system: str, clip: Clip, dialect: str, native: str, text: str) -> Heard:
        (voice,) = encoder.embed([clip.at(SAMPLE_RATE)])
        (told,) = recogniser.transcribe([clip.at(HEARD_HZ)], [dialect])
        (cer,) = character_error_rates([text], [told.text], dialect_language(dialect))
        similarity = float(own @ voice)
        return Heard(system, target, dialect, native, text, similarity, float(cer))

    voices = studio.capabilities().voices
    (home, gender), *_ = [(v.dialect, v.gender) for v in voices if v.speaker == target]
    for text in HOME if dialect == DIALECTS[0] else ():
        clip = said(target, text, home)
        yield heard("the target in English", clip, home, target, text)
        yield heard(
            "the target in English, codec", through(codec, clip, timbre), home, target, text
        )
    names = [v.speaker for v in voices if (v.dialect, v.gender) == (dialect, gender)]
    natives = [said(name, REFERENCE_TEXTS[Dialect(dialect)], dialect) for name in names]
    embedded = encoder.embed([clip.at(SAMPLE_RATE) for clip in natives])
    native = most_similar(own, dict(zip(names, embedded, strict=True)))
    for text in texts_of(dialect, texts):
        clip = said(native, text, dialect)
        own_timbre = codec.timbre(clip.samples, clip.sample_rate)
        yield heard("native voice", clip, dialect, native, text)
        again = through(codec, clip, own_timbre)
        yield heard("native voice, codec", again, dialect, native, text)
        for system, settings in SYSTEMS.items():
            lent = through(codec, clip, timbre, **settings)
            yield heard(system, lent, dialect, native, text)


def through(codec: Codec, clip: Clip, timbre: Timbre, **settings: Any) -> Clip:
    """Return a clip with another timbre."""
    return Clip.of(regenerated(codec, clip, timbre, **settings), codec.sample_rate)


def texts_of(dialect: str, count: int) -> list[str]:
    """Return built-in statements and narrations of a language."""
    table = builtin_texts(["statement", "narrative"])
    rows = [row["text"] for row in table.to_pylist()
            if row["language"] == dialect_language(dialect)]  # fmt: skip
    return rows[:: max(1, len(rows) // count)][:count]


def main(folder: Path, pairs: Sequence[str]) -> None:
    """Measure ``pairs``, keep each utterance's figures, and print the table of all there are."""
    folder.mkdir(parents=True, exist_ok=True)
    for target, dialect in (pair.split("/") for pair in pairs):
        rows = measured(target, dialect, TEXTS)
        lines = [json.dumps(asdict(row), ensure_ascii=False) for row in rows]
        (folder / f"{target}_{dialect}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = [
        Heard(**json.loads(line))
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    bootstrap = Bootstrap()
    table = Table("system", "dialect", "utterances", "similarity to the target", "CER")
    dialects = list(dict.fromkeys("home" if r.native == r.target else r.dialect for r in found))
    for system in dict.fromkeys(row.system for row in found):
        for dialect in dialects:
            some = [r for r in found if r.system == system
                    and ("home" if r.native == r.target else r.dialect) == dialect]  # fmt: skip
            if some:
                similarity = bootstrap.estimate(Ratio.mean([row.similarity for row in some]))
                characters = np.array([len(row.text) for row in some], np.float64)
                errors = bootstrap.estimate(
                    Ratio.of([row.cer for row in some] * characters, characters)
                )
                table.add_row(system, dialect, str(len(some)), told(similarity), told(errors))
    Console(width=120).print(table)


def told(estimate: Estimate) -> str:
    """Return a figure and its 95 % interval."""
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or [f"{one}/{d}" for one in TARGETS for d in DIALECTS])
