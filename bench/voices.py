"""What the thresholds of voices rest on: near doubles, one voice in one utterance, music.

    python bench/voices.py --voices 41 --sentences 8

speaks that many built-in sentences in each of the studio's voices (ten minutes of a core for all of
them) and prints, as JSON, the error rates of near doubles by how much is heard, what share of
utterances of one and of two voices falls below the bound of `one voice`, and the tonality of pauses
with nothing, noise and chords behind the voice.
"""

import argparse
import json
from collections import defaultdict
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lauter.datasets import weights
from lauter.datasets.audio import Samples, resample
from lauter.datasets.prompts.builtin_set import builtin_texts
from lauter.datasets.records import Prompt, Request, dialect_language
from lauter.filters.background import pause_tonality_db
from lauter.filters.near_voices import BOUNDS
from lauter.filters.one_voice import ONE_VOICE_FROM, voice_consistency
from lauter.filters.speaker import SAMPLE_RATE, SpeakerEncoder, mean_voice
from lauter.filters.vad import SpeechDetector
from lauter.teacher.studio.studio import Studio

Spoken = dict[str, list[Samples]]
"""Sentences of each voice at 16 kHz and one level."""
PAUSE = np.zeros(SAMPLE_RATE // 2, np.float32)


def spoken(voices: int, sentences: int) -> Spoken:
    """Let the studio speak; each voice has sentences of its own."""
    studio = Studio(blends=[])
    texts = defaultdict(list)
    for row in builtin_texts().to_pylist():
        if 12 < len(row["text"]) < 75:
            texts[row["language"]].append(row["text"])
    found: Spoken = {}
    for number, voice in enumerate(studio.capabilities().voices[:voices]):
        language = dialect_language(voice.dialect)
        pool = texts[language]
        for place in range(sentences):
            text = pool[(number * sentences + place) * 7 % len(pool)]
            prompt = Prompt(text, language, voice.dialect, speaker=voice.speaker)
            (speech,) = studio.speak([Request(prompt, studio.name, "", 0)])
            assert not isinstance(speech, Exception) and speech.samples is not None, speech
            audio = resample(speech.samples, speech.sample_rate, SAMPLE_RATE)
            level = 0.05 / float(np.sqrt(np.mean(audio**2)))
            found.setdefault(voice.speaker, []).append((audio * level).astype(np.float32))
    return found


def near_doubles(speech: Spoken, encoder: SpeakerEncoder, count: int) -> dict[str, Any]:
    """Return how often one voice is missed and two are taken for one, ``count`` sentences each."""
    chance = np.random.default_rng(0)
    embedded = {name: np.stack(encoder.embed(clips)) for name, clips in speech.items()}
    bound = next(least for enough, least in BOUNDS if count >= enough)

    def heard(name: str, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        return mean_voice(embedded[name][chosen])

    same, different = [], []
    for name, clips in speech.items():
        for _ in range(6):
            order = chance.permutation(len(clips))
            same.append(heard(name, order[:count]) @ heard(name, order[count : 2 * count]))
    for first, second in combinations(speech, 2):
        for _ in range(2):
            ours, theirs = (chance.permutation(len(speech[n]))[:count] for n in (first, second))
            different.append(heard(first, ours) @ heard(second, theirs))
    return {
        "sentences": count, "bound": bound, "pairs": [len(same), len(different)],
        "same_mean_least": [float(np.mean(same)), float(np.min(same))],
        "different_mean_most": [float(np.mean(different)), float(np.max(different))],
        "missed": float(np.mean(np.array(same) < bound)),
        "found_wrong": float(np.mean(np.array(different) >= bound)),
    }  # fmt: skip


def one_or_two(speech: Spoken, encoder: SpeakerEncoder) -> dict[str, Any]:
    """Return what share of utterances of one voice, and of two of a dialect, is below the bound."""
    chance = np.random.default_rng(1)
    shares: dict[str, list[bool]] = {"one": [], "two": []}
    for name, clips in speech.items():
        others = [other for other in speech if other != name and other[0] == name[0]]
        for other in chance.permutation(others)[:4]:
            first, second = chance.permutation(len(clips))[:2]
            for kind, clip in (("one", clips[second]), ("two", speech[str(other)][second])):
                (partials,) = encoder.embed_partials([np.concatenate([clips[first], PAUSE, clip])])
                figure = voice_consistency(partials)
                shares[kind].append(figure is not None and figure < ONE_VOICE_FROM)
    return {kind: [len(found), float(np.mean(found))] for kind, found in shares.items()}


def tonality(speech: Spoken) -> dict[str, Any]:
    """Return the least and the greatest tonality with nothing, noise or chords in the pauses."""
    chance, detector = np.random.default_rng(2), SpeechDetector(weights.find("silero-vad"))
    found: dict[str, list[float]] = defaultdict(list)
    for clips in speech.values():
        clean = np.concatenate([PAUSE, clips[0], PAUSE, clips[1], PAUSE])
        time = np.arange(len(clean)) / SAMPLE_RATE
        root = 130.8 * 2 ** (chance.integers(12) / 12)
        chord = sum(np.sin(2 * np.pi * root * step * time) for step in (1.0, 1.25, 1.5, 2.0))
        noise = chance.standard_normal(len(clean))
        for kind, behind in (("clean", 0 * time), ("noise", noise), ("chords", chord)):
            for below_db in (10, 30):
                gain = 0.05 * 10 ** (-below_db / 20) / max(float(np.std(behind)), 1e-9)
                audio = (clean + gain * behind).astype(np.float32)
                figure = pause_tonality_db(audio, detector.spans_s(audio))
                if figure is not None:
                    found[kind].append(figure)
    return {kind: [min(figures), max(figures)] for kind, figures in found.items()}


def main() -> None:
    """Speak, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", type=int, default=41)
    parser.add_argument("--sentences", type=int, default=8)
    options = parser.parse_args()
    speech = spoken(options.voices, options.sentences)
    encoder = SpeakerEncoder(weights.find("speaker-encoder"))
    counts = [count for count in (1, 2, 4) if 2 * count <= options.sentences]
    figures = {
        "near_doubles": [near_doubles(speech, encoder, count) for count in counts],
        "one_or_two": one_or_two(speech, encoder),
        "tonality_db": tonality(speech),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
