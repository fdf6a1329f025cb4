"""Recipes: what each asks of the studio, what the studio refuses, and a server in its stead."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from asking import Ask, write_lines
from parrot_student import SAID, write_parrot
from served_student import listening, served_student
from small_sentencepiece import KEPT
from taught_student import some_codes, write_untrained_codec

from lauter.datasets.audio import encode_flac
from lauter.datasets.corpus import Corpus
from lauter.student.generation import Sampling
from lauter.student.speak import Student

ASKED = {
    "languages": 160,
    "emotions-5-levels": 360,
    "speed": 144,
    "singing": 96,
    "styles": 479,
    "target-speaker": 32,
    "audio-edit": 10_500,
}
"""Requests of the recipe's own teacher, parents of edits included."""


@pytest.mark.parametrize("recipe", ASKED)
def test_what_a_recipe_asks_of_the_studio(ask: Ask, recipe: str, tmp_path: Path) -> None:
    answer = ask("plan", f"recipe={recipe}", f"corpus={tmp_path / 'corpus'}")
    assert answer.code == 0, answer.err
    assert f"{ASKED[recipe]} requests planned, 0 prompts refused" in answer.out


def test_everything_is_all_manners_in_all_dialects(ask: Ask, tmp_path: Path) -> None:
    answer = ask("plan", "recipe=everything", f"corpus={tmp_path / 'corpus'}")
    for dialect in ("en-US", "en-GB", "cmn", "ja-JP"):
        for emotion in ("neutral", "joy", "sadness", "anger", "fear", "cute"):
            assert f"{dialect} {emotion}" in answer.out


def test_a_dialect_that_the_studio_does_not_speak_is_refused_with_a_sentence(
    ask: Ask, tmp_path: Path
) -> None:
    answer = ask("synthesize", "recipe=dialects", f"corpus={tmp_path / 'corpus'}")
    assert answer.code == 2
    assert "no voice of the teacher 'studio' speaks yue; it speaks cmn, en-GB" in answer.err
    assert "(2 reasons, listed above)" in answer.err
    assert "refused 40: no voice of the teacher 'studio' speaks sichuan" in answer.out
    assert not (tmp_path / "corpus").exists()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipes")
    codec = write_untrained_codec(folder / "codec")
    write_parrot(folder / "student", codec)
    hiss = np.random.default_rng(0).standard_normal(24_000).astype(np.float32)
    (folder / "ada.flac").write_bytes(encode_flac(hiss * 0.1, 24_000))
    voices = [
        {
            "speaker": f"Ada-{dialect}", "dialect": dialect, "licence": "CC-BY-4.0",
            "consent": "Ada, for tests", "text": "好。", "codes": some_codes(4, 3).tolist(),
            "audio": "ada.flac",
        }
        for dialect in ("yue", "sichuan", "en-US")
    ]  # fmt: skip
    write_lines(folder / "voices.jsonl", voices)
    return folder


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[str]:
    sampling = Sampling(temperature=0)
    student = Student.open(place / "student", codec=place / "codec", sampling=sampling)
    with served_student(student) as served, listening(served) as url:
        yield url.removesuffix("/v1")


def of_the_server(place: Path, server: str, out: Path) -> list[str]:
    return [
        "teacher=step_audio", f"teacher.tokenizer={KEPT}", f"teacher.voices={place}/voices.jsonl",
        f"teacher.completer.servers=[{server}]", "teacher.completer.sampling.temperature=0",
        f"codec.folder={place / 'codec'}", "filters=fast", "policy=permissive",
        "engine.workers=0", f"corpus={out / 'corpus'}",
    ]  # fmt: skip


def test_the_same_recipe_runs_with_a_checkpoint_behind_a_server(
    ask: Ask, place: Path, server: str, tmp_path: Path
) -> None:
    words = of_the_server(place, server, tmp_path)
    answer = ask("synthesize", "recipe=dialects", "quotas.manners=[{count: 2}]", *words)
    assert answer.code == 0, answer.err
    rows = [row for batch in Corpus.open(tmp_path / "corpus").scan() for row in batch.to_pylist()]
    assert Counter(row["dialect"] for row in rows) == {"yue": 2, "sichuan": 2}
    for row in rows:
        assert row["error"] is None
        assert row["codes"] == SAID.tolist()
        assert row["duration_s"] == pytest.approx(2.4, abs=0.1)


def test_chains_of_a_checkpoint_that_clones_and_edits_run_against_a_server(
    ask: Ask, place: Path, server: str, tmp_path: Path
) -> None:
    words = [*of_the_server(place, server, tmp_path), "teacher.layout=editx",
             "quotas.dialects=[en-US]"]  # fmt: skip
    five = ask("synthesize", "recipe=emotions-5-levels", *words)
    assert five.code == 2 and "has levels 1 to 3 of 'joy', not" in five.err
    two = "quotas.manners=[{count: 1, emotion: joy, emotion_level: 2}]"
    answer = ask("synthesize", "recipe=emotions-5-levels", two, *words)
    assert answer.code == 0, answer.err
    rows = [row for batch in Corpus.open(tmp_path / "corpus").scan() for row in batch.to_pylist()]
    assert sorted((row["edit"] or "") for row in rows) == ["", "joy 1", "joy 2"]
    assert all(row["error"] is None for row in rows)
