"""Likeness of voices: one's own is nearest, alone or among others, loud or quiet."""

from itertools import combinations

import numpy as np
import pytest
from studio_clips import sample_of, studio_clips

from lauter.datasets import weights
from lauter.datasets.audio import Clip
from lauter.filters.speaker import SAMPLE_RATE, Embedding, SpeakerEncoder, SpeakerScorer


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder(weights.find("speaker-encoder"))


@pytest.fixture(scope="module")
def embeddings(encoder: SpeakerEncoder) -> list[Embedding]:
    return encoder.embed([utterance.clip.at(SAMPLE_RATE) for utterance in studio_clips()])


def test_a_voice_is_nearer_to_itself_than_to_any_other(embeddings: list[Embedding]) -> None:
    speakers = [utterance.prompt.speaker for utterance in studio_clips()]
    pairs = list(combinations(range(len(speakers)), 2))
    same = [embeddings[a] @ embeddings[b] for a, b in pairs if speakers[a] == speakers[b]]
    other = [embeddings[a] @ embeddings[b] for a, b in pairs if speakers[a] != speakers[b]]
    assert min(same) > max(other)
    assert np.mean(same) > 0.8
    assert np.mean(other) < 0.65


def test_an_embedding_is_a_unit_vector_and_knows_no_neighbours(
    encoder: SpeakerEncoder, embeddings: list[Embedding]
) -> None:
    for number in (0, 5):
        (alone,) = encoder.embed([studio_clips()[number].clip.at(SAMPLE_RATE)])
        assert np.linalg.norm(alone) == pytest.approx(1.0, abs=1e-5)
        assert np.allclose(alone, embeddings[number], atol=1e-5)


def test_loudness_and_silence_around_change_little(
    encoder: SpeakerEncoder, embeddings: list[Embedding]
) -> None:
    audio = studio_clips()[0].clip.at(SAMPLE_RATE)
    quiet, padded = encoder.embed([audio * 0.05, np.pad(audio, (16_000, 24_000))])
    assert quiet @ embeddings[0] > 0.999
    assert padded @ embeddings[0] > 0.97


def test_without_speech_there_is_still_an_embedding(encoder: SpeakerEncoder) -> None:
    for audio in (np.zeros(16_000, np.float32), np.full(1, 0.5, np.float32)):
        (embedding,) = encoder.embed([audio])
        assert np.isfinite(embedding).all()
    assert encoder.embed([]) == []


def test_similarity_is_to_the_reference_and_not_applicable_without_one() -> None:
    own, again, other = (studio_clips()[number] for number in (0, 1, 3))
    scored = SpeakerScorer().score(
        [
            sample_of(again.clip, again.prompt, reference=own.clip),
            sample_of(again.clip, again.prompt, reference=other.clip),
            sample_of(again.clip, again.prompt),
        ]
    )
    near, far, alone = (one["speaker_similarity"] for one in scored)  # type: ignore[index]
    assert near > 0.75 > far
    assert alone is None


def test_a_clip_is_exactly_like_itself() -> None:
    clip: Clip = studio_clips()[2].clip
    (scored,) = SpeakerScorer().score([sample_of(clip, reference=clip)])
    assert scored["speaker_similarity"] == pytest.approx(1.0, abs=1e-5)  # type: ignore[index]
