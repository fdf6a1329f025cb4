"""Looking through a speaker book: what is wrong with its recordings, which voices are near doubles.

The voices of a corpus may be looked through together with it. Voices of one person, and a voice and
what is made of it, are no doubles.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lauter.datasets.audio import Clip
from lauter.datasets.consent import same_person
from lauter.datasets.corpus import Corpus
from lauter.datasets.voice_book import KnownVoice
from lauter.datasets.voices import Voice, voices_of
from lauter.filters.near_voices import NearPair, near_voices
from lauter.filters.speaker import SAMPLE_RATE, Embedding
from lauter.pipelines.reference_listener import ReferenceListener


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: faults of recordings by voice, and pairs that sound like one person."""

    faults: dict[str, list[str]]
    pairs: list[NearPair]


def check_book(
    book: Mapping[str, KnownVoice], listener: ReferenceListener, corpus: Corpus | None = None
) -> Checked:
    """Listen to the recordings of a book and of a corpus's voices.

    A voice of the book with a fault is held against no other.
    """
    faults: dict[str, list[str]] = {}
    embeddings: dict[str, list[Embedding]] = {}
    for speaker, known in book.items():
        heard = [listener.heard(one.audio) for one in known.recordings if one.audio is not None]
        if found := [fault for one in heard for fault in one.faults]:
            faults[speaker] = found
        elif voices := [one.voice for one in heard if one.voice is not None]:
            embeddings[speaker] = voices
    people = [known.voice for known in book.values()]
    if corpus is not None:
        people += voices_of(corpus.voices())
        embeddings |= _of_corpus(corpus, listener, embeddings)
    pairs = [pair for pair in near_voices(embeddings) if not _are_one(pair, people)]
    return Checked(faults, pairs)


def _of_corpus(
    corpus: Corpus, listener: ReferenceListener, known: Iterable[str]
) -> dict[str, list[Embedding]]:
    found: dict[str, list[Embedding]] = {}
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
