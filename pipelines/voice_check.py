"""Looking through a speaker book: what is wrong with its recordings, which voices are near doubles.

The voices of a corpus may be looked through together with it. Voices of one person, and a voice and
what is made of it, are no doubles.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.audio import Clip, audio_digest
from lauter.datasets.consent import same_person
from lauter.datasets.corpus import Corpus
from lauter.datasets.voice_book import KnownVoice
from lauter.datasets.voice_embeddings import keep_embeddings, read_embeddings
from lauter.datasets.voices import Voice, voices_of
from lauter.filters.near_voices import NearPair, near_voices
from lauter.filters.speaker import SAMPLE_RATE, SpeakerScorer
from lauter.pipelines.reference import ReferenceListener


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: faults of recordings by voice, and pairs that sound like one person."""

    faults: dict[str, list[str]]
    pairs: list[NearPair]


def check_book(
    path: Path,
    book: Mapping[str, KnownVoice],
    listener: ReferenceListener,
    corpus: Corpus | None = None,
) -> Checked:
    """Listen to the recordings of ``book`` (which lies at ``path``) and of a corpus's voices."""
    faults = {
        speaker: [
            fault
            for one in known.recordings
            if one.audio is not None
            for fault in listener.faults(one.audio)
        ]
        for speaker, known in book.items()
    }
    embeddings = _of_book(path, book, listener, faults)
    people = [known.voice for known in book.values()]
    if corpus is not None:
        people += voices_of(corpus.voices())
        embeddings |= _of_corpus(corpus, listener, embeddings)
    pairs = [pair for pair in near_voices(embeddings) if not _are_one(pair, people)]
    return Checked({speaker: found for speaker, found in faults.items() if found}, pairs)


def _of_book(
    path: Path,
    book: Mapping[str, KnownVoice],
    listener: ReferenceListener,
    faults: Mapping[str, list[str]],
) -> dict[str, list[NDArray[np.float32]]]:
    """Return the embeddings of faultless voices; what was listened to before is not again."""
    kept, encoder = read_embeddings(path), SpeakerScorer().fingerprint()
    now = {}
    found: dict[str, list[NDArray[np.float32]]] = {}
    for speaker, known in book.items():
        recordings = [one.audio for one in known.recordings if one.audio and not faults[speaker]]
        for recording in recordings:
            key = (audio_digest(recording.read_bytes()), encoder)
            now[key] = kept[key] if key in kept else listener.embedding(recording)
            found.setdefault(speaker, []).append(now[key])
    if now.keys() != kept.keys():
        keep_embeddings(path, now)
    return found


def _of_corpus(
    corpus: Corpus, listener: ReferenceListener, known: Iterable[str]
) -> dict[str, list[NDArray[np.float32]]]:
    found: dict[str, list[NDArray[np.float32]]] = {}
    for row in corpus.voices().to_pylist():
        if row["reference_audio"] and row["speaker"] not in known:
            audio = Clip(row["reference_audio"]).at(SAMPLE_RATE)
            found.setdefault(row["speaker"], []).append(listener.embed(audio))
    return found


def _are_one(pair: NearPair, people: list[Voice]) -> bool:
    if pair.second in same_person(pair.first, people):
        return True
    parts = {voice.speaker: voice.made_of for voice in people}
    return pair.second in parts.get(pair.first, ()) or pair.first in parts.get(pair.second, ())
