"""What Audio-Edit moves, and what it costs: the tables of docs/audio_edit.md.

Speaks 24 sentences of three languages with the studio's voices, edits each to every level of
every emotion and pace, and measures with the scorers that judge a corpus. Ten of them are heard by
the recogniser. About ten minutes on one core. Run it as

    python bench/audio_edit.py            # prints the tables
    python bench/audio_edit.py --write    # puts them into docs/audio_edit.md
"""

import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.stats import t as student

from lauter.datasets.audio import Samples, resample
from lauter.datasets.records import Prompt, Request
from lauter.datasets.tags import MAX_LEVEL, Dialect, Emotion, Style
from lauter.datasets.weights import find
from lauter.filters.asr import WhisperRecogniser
from lauter.filters.error_rate import character_error_rates
from lauter.filters.prosody import measure_prosody
from lauter.filters.speaker import SpeakerEncoder
from lauter.teacher.edit import edit
from lauter.teacher.edit.change import Change
from lauter.teacher.edit.emotions import EMOTIONS
from lauter.teacher.edit.speed import FASTER
from lauter.teacher.studio.studio import Studio

DOCUMENT = Path(__file__).parent.parent / "docs" / "audio_edit.md"
FACTORS = {"range_octaves", "rate_octaves", "formant_octaves"}

VOICES = {
    Dialect.EN_US: ("af_heart", "am_michael"),
    Dialect.EN_GB: ("bf_emma", "bm_george"),
    Dialect.MANDARIN: ("zf_xiaobei", "zm_yunjian"),
    Dialect.JAPANESE: ("jf_alpha", "jm_kumo"),
}
SENTENCES = {
    Dialect.EN_US: (
        "The last train leaves before midnight, so please hurry up.",
        "Did you remember to water the plants on the balcony?",
        "Our teacher told us a story about an old lighthouse.",
        "Somebody left a wet umbrella in the hall.",
    ),
    Dialect.EN_GB: (
        "Turn left at the bakery and walk past the post office.",
        "My grandmother grows tomatoes, peppers and mint.",
        "When does the museum open on Sundays?",
        "The kettle has been whistling for a while.",
    ),
    Dialect.MANDARIN: (
        "今天下午我们去公园散步吧。",
        "请把窗户打开，屋里有点热。",
        "妈妈买了苹果、香蕉和葡萄。",
        "你知道去火车站怎么走吗？",
        "外面下雨了，别忘了带伞。",
        "他每天早上都去河边跑步。",
        "这本书我已经看完了。",
        "晚饭以后我们看电影。",
    ),
    Dialect.JAPANESE: (
        "今日は天気がいいので、公園へ散歩に行きましょう。",
        "駅の前に新しいパン屋ができました。",
        "明日の会議は何時から始まりますか。",
        "祖母は毎朝、庭の花に水をやります。",
        "この道をまっすぐ行くと、図書館があります。",
        "窓を開けてもいいですか。",
        "弟は自転車で学校に通っています。",
        "昨日は一日中、雨が降っていました。",
    ),
}
HEARD = 10
"""So many sentences, spread over the languages, are also given to the recogniser."""


@dataclass(frozen=True, eq=False)
class Neutral:
    """A sentence as the studio speaks it."""

    text: str
    dialect: Dialect
    samples: Samples
    sample_rate: int


@dataclass(frozen=True)
class Figures:
    """What is measured of each sentence: ``[sentences]`` each, ``cer`` of those heard."""

    pitch_st: NDArray[np.float64]
    range_st: NDArray[np.float64]
    energy_db: NDArray[np.float64]
    tilt_db: NDArray[np.float64]
    pace: NDArray[np.float64]
    similarity: NDArray[np.float64]
    cer: NDArray[np.float64]


def spoken() -> list[Neutral]:
    studio = Studio()
    asked = [
        (sentence, dialect, VOICES[dialect][number % 2])
        for dialect, sentences in SENTENCES.items()
        for number, sentence in enumerate(sentences)
    ]
    neutral = []
    for text, dialect, speaker in track(asked, "speaking"):
        prompt = Prompt(text, dialect.language, dialect, speaker=speaker)
        speech = studio.speak([Request(prompt, studio.name, studio.fingerprint(), 0)])[0]
        if isinstance(speech, Exception):
            raise speech
        assert speech.samples is not None
        neutral.append(Neutral(text, dialect, speech.samples, speech.sample_rate))
    return neutral


def measured(speech: Sequence[Samples], neutral: Sequence[Neutral]) -> Figures:
    prosodies = [
        measure_prosody(samples, before.sample_rate)
        for samples, before in zip(speech, neutral, strict=True)
    ]
    narrow = [
        resample(samples, before.sample_rate, 16_000)
        for samples, before in zip(speech, neutral, strict=True)
    ]
    references = embeddings(tuple(neutral))
    step = len(neutral) / HEARD
    heard = [int(number * step) for number in range(HEARD)]
    transcripts = recogniser().transcribe(
        [narrow[place] for place in heard], [neutral[place].dialect for place in heard]
    )
    return Figures(
        pitch_st=np.array([12 * np.log2(prosody.f0_mean_hz or np.nan) for prosody in prosodies]),
        range_st=np.array([prosody.f0_range_st or np.nan for prosody in prosodies]),
        energy_db=np.array([prosody.energy_db for prosody in prosodies]),
        tilt_db=np.array([-prosody.spectral_tilt_db for prosody in prosodies]),
        pace=np.array(
            [
                len(before.samples) / len(samples)
                for samples, before in zip(speech, neutral, strict=True)
            ]
        ),
        similarity=np.array(
            [
                float(embedding @ reference)
                for embedding, reference in zip(encoder().embed(narrow), references, strict=True)
            ]
        ),
        cer=character_error_rates(
            [neutral[place].text for place in heard],
            [transcript.text for transcript in transcripts],
            [neutral[place].dialect.language for place in heard],
        ),
    )


@cache
def recogniser() -> WhisperRecogniser:
    return WhisperRecogniser()


@cache
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder(find("speaker-encoder"))


@cache
def embeddings(neutral: tuple[Neutral, ...]) -> list[NDArray[np.float32]]:
    return encoder().embed(
        [resample(before.samples, before.sample_rate, 16_000) for before in neutral]
    )


def interval(values: NDArray[np.float64], digits: int) -> str:
    """The mean and the half-width of its 95 % interval."""
    known = values[~np.isnan(values)]
    half = student.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    mean = round(float(known.mean()), digits) + 0.0  # no "-0.00"
    return f"{mean:+.{digits}f} ± {half:.{digits}f}"


def row(name: str, after: Figures, before: Figures) -> str:
    cells = [
        name,
        interval(after.pitch_st - before.pitch_st, 2),
        interval(after.range_st - before.range_st, 1),
        interval(after.energy_db - before.energy_db, 2),
        interval(after.tilt_db - before.tilt_db, 1),
        f"{after.pace.mean():.2f}",
        f"{after.similarity.mean():.2f}",
        f"{100 * after.cer.mean():.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def movements(neutral: Sequence[Neutral]) -> str:
    asked: list[tuple[str, dict[str, Any]]] = [
        (f"{emotion} {level}", {"emotion": emotion.value, "emotion_level": level})
        for emotion in EMOTIONS
        for level in range(1, MAX_LEVEL + 1)
    ]
    for word, sign in (("fast", 1), ("slow", -1)):
        asked += [
            (f"{word} {level}", {"speed_level": sign * level}) for level in range(1, MAX_LEVEL + 1)
        ]
    asked += [(style.value, {"style": style.value}) for style in (Style.RAP, Style.SUNG)]
    before = measured([sentence.samples for sentence in neutral], neutral)
    lines = [
        "| edit | pitch, st | range, st | energy, dB | brightness, dB | pace | speaker | CER, % |",
        "|---|---|---|---|---|---|---|---|",
        f"| neutral | | | | | 1.00 | 1.00 | {100 * before.cer.mean():.1f} |",
    ]
    for name, wish in track(asked, "editing"):
        edited = [
            edit(
                sentence.samples,
                sentence.sample_rate,
                seed=number,
                language=sentence.dialect.language,
                **wish,
            )
            for number, sentence in enumerate(neutral)
        ]
        lines.append(row(name, measured(edited, neutral), before))
    return "\n".join(lines)


def parameters() -> str:
    names = [field.name for field in fields(Change)]
    headings = [
        name.removesuffix("_octaves") + " ×" if name in FACTORS else name.replace("_", " ")
        for name in names
    ]
    rows = {emotion.value: change for emotion, change in EMOTIONS.items()} | {"fast": FASTER}
    lines = [f"| one level of | {' | '.join(headings)} |", "|---" * (len(names) + 1) + "|"]
    for name, change in rows.items():
        cells = [shown(field, getattr(change, field)) for field in names]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(name: str, amount: float) -> str:
    if not amount:
        return ""
    return f"{2**amount:.4g}" if name in FACTORS else f"{amount:+g}"


def cost(neutral: Sequence[Neutral]) -> str:
    """Seconds of one core for a second of neutral speech, by kind of edit."""
    wishes: dict[str, dict[str, Any]] = {
        "an emotion, any level": {"emotion": Emotion.JOY.value, "emotion_level": MAX_LEVEL},
        "a pace": {"speed_level": 1},
        "rap": {"style": Style.RAP.value},
        "a sung line": {"style": Style.SUNG.value},
    }
    audio_s = sum(len(sentence.samples) / sentence.sample_rate for sentence in neutral)
    lines = ["| edit | core seconds for a second of neutral speech |", "|---|---|"]
    for name, wish in wishes.items():
        started = time.thread_time()
        for sentence in neutral:
            edit(
                sentence.samples,
                sentence.sample_rate,
                language=sentence.dialect.language,
                **wish,
            )
        lines.append(f"| {name} | {(time.thread_time() - started) / audio_s:.3f} |")
    return "\n".join(lines)


def main() -> None:
    neutral = spoken()
    tables: dict[str, Callable[[], str]] = {
        "parameters": parameters,
        "cost": lambda: cost(neutral),
        "movement": lambda: movements(neutral),
    }
    document = DOCUMENT.read_text()
    for name, make in tables.items():
        table = make()
        print(f"\n{table}")
        document = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda found, table=table: f"{found[1]}{table}\n{found[2]}",
            document,
            flags=re.DOTALL,
        )
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(document)


if __name__ == "__main__":
    main()
