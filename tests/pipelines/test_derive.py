"""Edits of what a corpus has: real speech in, edited speech beside it, each with its parent."""

import shutil
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from workshop import job

from lauter.datasets.audio import Clip, encode_flac
from lauter.datasets.consent import Consent, Event, Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.lineage import EDITOR, Derivation
from lauter.datasets.mark_columns import SYNTHETIC_FIELD
from lauter.datasets.marked_rows import Marker
from lauter.datasets.prompts.cell import Cell
from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import REQUEST_SCHEMA, UTTERANCE_SCHEMA, Prompt, requests_of
from lauter.datasets.selection import select
from lauter.datasets.tags import without_sounds
from lauter.datasets.voices import Use
from lauter.filters.duration import DurationScorer
from lauter.filters.level import LevelScorer
from lauter.filters.policy import Policy, parse_policy
from lauter.filters.sound import SoundScorer
from lauter.filters.vad import VadScorer
from lauter.pipelines.cost import Prices
from lauter.pipelines.derive import derive
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.ledger import read_ledger
from lauter.pipelines.plan import plan
from lauter.pipelines.stage import Resources
from lauter.pipelines.synthesize import synthesize
from lauter.teacher.fast import FastTeacher

SCORERS = tuple(partial(one) for one in (LevelScorer, VadScorer, DurationScorer, SoundScorer))
POLICY = parse_policy("""
name: small
gates:
  - {gate: duration, score: duration_s, at_least: 0.4, reason: Cut off.}
  - {gate: speech, score: speech_ratio, at_least: 0.2, reason: No speech.}
  - {gate: silence taken out, score: step_silence_s, at_most: -0.3,
     applies_to: {edit: trim silence}, reason: It is still there.}
  - {gate: unmade, score: f0_mean_hz, at_least: 1.0, reason: Never measured here.}
  - {gate: copy, score: duplicate_of, absent: true, reason: Known.}
""")
NOTHING_PASSES = parse_policy(
    "{name: none, gates: [{gate: long, score: duration_s, at_least: 99, reason: Short.}]}"
)
TEXTS = {
    "en-US": ("The ferry leaves at noon, and it is late.", "heart"),
    "ja-JP": ("雨が降ったら、家にいます。", "mei"),
}
ASKED = [
    Prompt(text, dialect[:2], dialect, emotion, level, style, 0, speaker)
    for dialect, (text, speaker) in TEXTS.items()
    for emotion, level, style in (
        ("neutral", 0, "plain"), ("joy", 1, "plain"), ("joy", 2, "plain"), ("joy", 1, "rap"),
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sentences: neutral, joy in two levels and rapped; tests copy it."""
    corpus = Corpus.create(tmp_path_factory.mktemp("derive") / "corpus")
    teacher = FastTeacher()
    made = job(open_scorers=SCORERS, policy=POLICY)
    synthesize(made, plan(table_from_prompts(ASKED), teacher), teacher, corpus)
    return Path(str(corpus.path))


@pytest.fixture
def corpus(spoken: Path, tmp_path: Path) -> Corpus:
    return Corpus.open(shutil.copytree(spoken, tmp_path / "corpus"))


def derived(
    corpus: Corpus,
    *derivations: Derivation,
    seed: int = 0,
    where: str | None = None,
    policy: Policy = POLICY,
    leave: Leave | None = None,
) -> int:
    added = derive(
        corpus, derivations, seed=seed, where=where, open_scorers=SCORERS, policy=policy,
        engine=InlineEngine(), scoring=Resources(batch_size=4), leave=leave,
    )  # fmt: skip
    corpus.refresh()
    return added


def rows_of(corpus: Corpus, where: str | None = None) -> dict[str, dict[str, Any]]:
    """Rows by id, with their verdicts."""
    chosen = set()
    for batch in corpus.scan(["request_id"], where=where):
        chosen.update(batch["request_id"].to_pylist())
    return {
        row["request_id"]: row
        for batch in corpus.scan_judged()
        for row in batch.to_pylist()
        if row["request_id"] in chosen
    }


def test_an_edit_has_its_parent_its_words_and_its_measures(corpus: Corpus) -> None:
    before = rows_of(corpus)
    assert all(row["accepted"] for row in before.values())
    assert derived(corpus, Derivation.NOISE, Derivation.BREATHING) == 2 * len(before)
    made = rows_of(corpus, f"teacher = '{EDITOR}'")
    assert {(row["parent_id"], row["edit"]) for row in made.values()} == {
        (parent, edit) for parent in before for edit in ("noise", "breathing")
    }
    for row in made.values():
        parent = before[row["parent_id"]]
        assert row["error_kind"] is None and row["accepted"], row["failed_gates"]
        assert row["level_fingerprint"] and row["step_energy_db"] is not None
        assert row["speaker"] == parent["speaker"] and row["emotion"] == parent["emotion"]
        clip = Clip(row["audio"])
        assert row["duration_s"] == pytest.approx(len(clip.samples) / clip.sample_rate)
        if row["edit"] == "breathing":
            assert "[Breathing]" in row["text"]
            assert without_sounds(row["text"]) == parent["text"]
            assert row["duration_s"] > parent["duration_s"] + 0.4
        else:
            assert row["text"] == parent["text"]
    # No two utterances get the same noise; who made it is told in one fingerprint an edit.
    assert len({row["seed"] for row in made.values()}) == len(before)
    assert len({row["teacher_fingerprint"] for row in made.values()}) == 2


@pytest.mark.parametrize(
    ("told", "marked"), [("no", "no"), ("yes", "yes"), ("unknown", "unknown"), (None, "unknown")]
)
def test_an_edit_of_a_recording_is_as_synthetic_as_the_recording(
    corpus: Corpus, told: str | None, marked: str
) -> None:
    (batch,) = corpus.scan(UTTERANCE_SCHEMA.names, where="language = 'en' AND emotion = 'neutral'")
    found = batch.to_pylist()[0] | {
        "request_id": "5" * 32, "teacher": "import", "speaker": "ada", "text_licence": "CC-BY-4.0",
    }  # fmt: skip
    # A corpus that was imported before sources said it lacks the column.
    schema = pa.schema([*UTTERANCE_SCHEMA, *([SYNTHETIC_FIELD] if told else [])])
    with corpus.writing() as writer:
        writer.append(pa.RecordBatch.from_pylist([found | {"synthetic": told}], schema=schema))
    lenient = parse_policy("{name: any, gates: []}")
    derived(corpus, Derivation.NOISE, where="emotion = 'neutral'", policy=lenient)
    derived(corpus, Derivation.DENOISE, where="edit = 'noise'", policy=lenient)
    marker = Marker.of(corpus)
    marks = {
        voice: {str(marker.marks(row).synthetic) for row in rows_of(corpus, where).values()}
        for voice, where in (("ada", "speaker = 'ada'"), ("ours", "speaker != 'ada'"))
    }
    assert marks == {"ada": {marked}, "ours": {"yes"}}
    edits = rows_of(corpus, f"teacher = '{EDITOR}' AND speaker = 'ada'")
    assert {row["edit"] for row in edits.values()} == {"noise", "denoise"}
    assert {marker.marks(row).voice_licence for row in edits.values()} == {"CC-BY-4.0"}
    # The card counts by the same rule.
    assert select(corpus, accepted=None).tally.elsewhere == 3


def test_an_edit_is_a_request_like_any_other(corpus: Corpus) -> None:
    derived(corpus, Derivation.PAUSE, where="style = 'rap'")
    for batch in corpus.scan(REQUEST_SCHEMA.names, where=f"teacher = '{EDITOR}'"):
        for request in requests_of(batch):
            assert request.identified().request_id == request.request_id


def test_the_same_command_adds_nothing_twice_and_another_seed_adds_other_speech(
    corpus: Corpus,
) -> None:
    edits = (Derivation.NOISE, Derivation.DENOISE)
    neutral = "emotion = 'neutral' AND style = 'plain'"
    assert derived(corpus, *edits, where=neutral) == 4
    versions = corpus.versions()
    assert derived(corpus, *edits, where=neutral) == 0
    assert corpus.versions() == versions
    assert derived(corpus, Derivation.NOISE, seed=1, where=neutral) == 2
    sounds = {row["audio_digest"] for row in rows_of(corpus, "edit = 'noise'").values()}
    assert len(sounds) == 4


def test_noise_is_taken_away_where_it_was_put_in_and_nowhere_else(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match=r"nothing in the corpus .* can be edited by denoise"):
        derived(corpus, Derivation.DENOISE)
    derived(corpus, Derivation.NOISE, where="style = 'plain'")
    assert derived(corpus, Derivation.DENOISE) == 6
    rows = rows_of(corpus)
    for row in rows.values():
        if row["edit"] == "denoise":
            noisy = rows[row["parent_id"]]
            clean = rows[noisy["parent_id"]]
            sounds = [Clip(one["audio"]).samples for one in (clean, noisy, row)]
            error = [float(np.mean(np.square(one - sounds[0]))) for one in sounds[1:]]
            assert error[1] < 0.9 * error[0]


def test_silence_is_measured_against_the_parent_and_judged_by_the_edit(corpus: Corpus) -> None:
    derived(corpus, Derivation.SILENCE, Derivation.TRIM_SILENCE, where="style != 'sung'")
    steps = {"silence": [], "trim silence": []}  # type: dict[str, list[float]]
    for row in rows_of(corpus, "edit IN ('silence', 'trim silence')").values():
        steps[row["edit"]].append(row["step_silence_s"])
        assert row["accepted"], row["failed_gates"]
    assert min(steps["silence"]) > 1.0 and max(steps["trim silence"]) < -1.0


def test_what_an_edit_is_allowed_does_not_stop_its_scoring(corpus: Corpus) -> None:
    by_edit = parse_policy(
        "gates: [{gate: soon, score: leading_silence_s, at_most: 0.3, stop: true, reason: Wait., "
        "slices: [{edit: silence, at_most: 2.0}]}]"
    )
    derived(corpus, Derivation.SILENCE, where="emotion_level = 2", policy=by_edit)
    for row in rows_of(corpus, "edit = 'silence'").values():
        assert row["leading_silence_s"] > 0.5
        assert row["stopped_by"] is None and row["pace"] is not None
        assert row["accepted"], row["failed_gates"]


def test_emotion_and_style_are_taken_back_until_plain_speech_is_left(corpus: Corpus) -> None:
    edits = (Derivation.REMOVE_STYLE, Derivation.REMOVE_EMOTION)
    assert derived(corpus, *edits) == 2 + 2 * 3  # of rap; of joy, and of what is no rap any more
    rows = rows_of(corpus)
    parents = []
    for row in rows.values():
        if row["teacher"] == EDITOR:
            assert row["accepted"] and row["style"] == "plain", row["failed_gates"]
        if row["edit"] == "remove emotion":
            assert (row["emotion"], row["emotion_level"]) == ("neutral", 0)
            parents.append(rows[row["parent_id"]]["edit"])
    assert sorted(parents) == ["joy 1"] * 2 + ["joy 2"] * 2 + ["remove style"] * 2
    assert derived(corpus, *edits) == 0


def test_what_was_edited_is_not_edited_again_but_to_take_it_back(corpus: Corpus) -> None:
    derived(corpus, Derivation.NOISE, Derivation.BREATHING, where="emotion_level = 2")
    for edit in (Derivation.LAUGHTER, Derivation.REMOVE_EMOTION, Derivation.SILENCE):
        with pytest.raises(UsageError, match=f"can be edited by {edit}"):
            derived(corpus, edit, where=f"teacher = '{EDITOR}'")


def test_edits_of_speech_are_no_copies_of_it_and_copies_are_still_found(corpus: Corpus) -> None:
    derived(corpus, Derivation.NOISE, Derivation.DENOISE, Derivation.PAUSE)
    rows = rows_of(corpus)
    assert not any(row.get("duplicate_of") for row in rows.values())
    assert derived(corpus, Derivation.PAUSE, seed=7, where="emotion_level = 2") == 2
    # The same sentence with the same silence put in somewhere: once is enough.
    copies = [row for row in rows_of(corpus).values() if row["duplicate_of"]]
    assert len(copies) == 2 and {row["edit"] for row in copies} == {"pause"}


def test_what_was_rejected_is_not_edited_unless_to_take_away_what_was_put_in(
    corpus: Corpus,
) -> None:
    derived(corpus, Derivation.NOISE)
    for edit in (Derivation.BREATHING, Derivation.REMOVE_EMOTION, Derivation.NOISE):
        with pytest.raises(UsageError, match=f"can be edited by {edit}"):
            derived(corpus, edit, policy=NOTHING_PASSES)
    assert derived(corpus, Derivation.DENOISE, policy=NOTHING_PASSES) == 8


def test_what_failed_is_not_edited_and_what_cannot_be_edited_says_why(
    corpus: Corpus, spoken: Path
) -> None:
    (batch,) = corpus.scan(UTTERANCE_SCHEMA.names, where="emotion_level = 2 AND language = 'en'")
    (row,) = batch.to_pylist()
    flac = encode_flac(np.zeros(24000, np.float32), 24000)
    silent = row | {"request_id": "5" * 32, "text": "Nothing.", "audio": flac}
    failed = row | {"request_id": "f" * 32, "audio": None, "error_kind": "failed", "error": "No."}
    lenient = parse_policy("{name: any, gates: []}")
    with corpus.writing() as writer:
        writer.append(pa.RecordBatch.from_pylist([silent, failed], schema=UTTERANCE_SCHEMA))
    derived(corpus, Derivation.NOISE, where="emotion_level = 2", policy=lenient)
    assert not rows_of(corpus, f"parent_id = '{'f' * 32}'")
    derived(corpus, Derivation.NOISE, where="emotion_level = 2", policy=lenient)
    (told,) = rows_of(corpus, f"parent_id = '{'5' * 32}'").values()
    assert told["error_kind"] == "failed" and told["audio"] is None
    assert "the recording is silent throughout" in told["error"] and not told["accepted"]


def test_where_narrows_what_is_edited(corpus: Corpus) -> None:
    assert derived(corpus, Derivation.NOISE, where="dialect = 'ja-JP' AND emotion = 'joy'") == 3
    with pytest.raises(UsageError, match="nothing in the corpus"):
        derived(corpus, Derivation.LAUGHTER, where="dialect = 'yue'")
    with pytest.raises(UsageError, match="rows cannot be picked by 'colour = 1'"):
        derived(corpus, Derivation.LAUGHTER, where="colour = 1")


def test_what_was_not_judged_under_this_policy_is_judged_first(corpus: Corpus) -> None:
    shutil.rmtree(Path(str(corpus.path)) / "verdicts")
    assert derived(corpus, Derivation.NOISE, where="emotion_level = 2") == 2
    with pytest.raises(UsageError, match="can be edited by silence"):
        derived(corpus, Derivation.SILENCE, policy=NOTHING_PASSES)


def test_a_run_that_was_stopped_before_it_judged_is_judged_by_the_next(corpus: Corpus) -> None:
    def stop(batch: pa.RecordBatch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        derive(
            corpus, [Derivation.NOISE], seed=0, where="emotion_level = 2 AND language = 'en'",
            open_scorers=SCORERS, policy=POLICY, engine=InlineEngine(), scoring=Resources(),
            on_batch=stop,
        )  # fmt: skip
    corpus.refresh()
    assert derived(corpus, Derivation.NOISE, where="emotion_level = 2 AND language = 'en'") == 0
    (row,) = rows_of(corpus, "edit = 'noise'").values()
    assert row["accepted"]


def test_edits_fill_no_quota_of_accepted_speech(corpus: Corpus) -> None:
    cell = Cell("en-US", "neutral", 0, "plain", 0, "")
    before = read_ledger(corpus, [cell], POLICY.digest, Prices())[cell]
    derived(corpus, Derivation.NOISE, Derivation.DENOISE, Derivation.REMOVE_EMOTION)
    after = read_ledger(corpus, [cell], POLICY.digest, Prices())[cell]
    assert after == before and after.first_accepted == 1 and after.teacher == "fast"


def test_speech_of_a_voice_that_was_withdrawn_is_not_edited(corpus: Corpus) -> None:
    derived(corpus, Derivation.NOISE)
    withdrawn = Consent("2026-11-01T00:00:00+00:00", "heart", Event.WITHDRAWN, by="her")
    leave = Leave(Use.RESEARCH, date(2026, 11, 22), ledger=(withdrawn,))
    assert derived(corpus, Derivation.DENOISE, leave=leave)
    edited = rows_of(corpus, "edit = 'denoise'").values()
    assert {row["speaker"] for row in edited} == {"mei"}
