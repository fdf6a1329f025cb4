"""An erased voice is in no file of its corpus, and in its account."""

from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pytest
from judged_corpus import SOMEONE, flac_of, judged_corpus, request_of

from lauter.datasets.audio import audio_digest
from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_erasure import erase_speakers
from lauter.datasets.corpus_layout import WITHDRAWN
from lauter.datasets.records import UTTERANCE_SCHEMA
from lauter.datasets.voices import VOICE_SCHEMA, voice_row

OTHERS = flac_of(1000)
REFERENCE = flac_of(2000)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Someone's corpus, into which one sentence of another voice came."""
    corpus = judged_corpus(tmp_path / "corpus", codes=True)
    request = request_of(1000, "another")
    row = asdict(request.prompt) | {
        "request_id": request.request_id, "prompt_id": request.prompt.prompt_id,
        "teacher": "noise", "teacher_fingerprint": "noise-1", "seed": 1000, "audio": OTHERS,
        "audio_digest": audio_digest(OTHERS), "sample_rate": 16000, "duration_s": 0.1,
        "attempts": 1, "wall_s": 0.5, "device_s": 0.5,
    }  # fmt: skip
    voices = [
        voice_row(SOMEONE, "words", REFERENCE),
        voice_row(replace(SOMEONE, speaker="another", identity=""), "words", OTHERS),
    ]
    with corpus.writing() as writer:
        writer.append(pa.RecordBatch.from_pylist([row], schema=UTTERANCE_SCHEMA))
        writer.put_voices(pa.Table.from_pylist(voices, schema=VOICE_SCHEMA))
    corpus.tag("before")
    return Corpus.open(corpus.path)


def holds(folder: Path, content: bytes) -> bool:
    return any(content in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_no_file_holds_the_sound_and_every_row_says_why(corpus: Corpus) -> None:
    folder = Path(str(corpus.path))
    rows, spoken = corpus.count(), corpus.count("error_kind IS NULL")
    assert all(holds(folder, flac) for flac in (flac_of(0), REFERENCE, OTHERS))
    with corpus.writing() as writer:
        erased, tags = erase_speakers(corpus, writer, {SOMEONE.speaker}, "she asked for it")
    assert (erased, tags) == (spoken - 1, ["before"])
    assert not any(holds(folder, flac_of(number)) for number in range(60))
    assert not holds(folder, REFERENCE) and holds(folder, OTHERS)
    there = Corpus.open(folder)
    assert (there.count(), there.count("error_kind IS NULL"), there.tags()) == (rows, 1, {})
    gone = pa.Table.from_batches(there.scan(where=f"error_kind = '{WITHDRAWN}'"))
    assert set(gone["error"].to_pylist()) == {"she asked for it"}
    for name in ("audio", "audio_digest", "codes", "transcript", "sound_print", "cer",
                 "speaker_embedding", "duration_s"):  # fmt: skip
        assert gone[name].null_count == len(gone), name
    assert set(gone["wall_s"].to_pylist()) == {0.5}
    assert there.digest()


@pytest.mark.parametrize("retry_failed", [False, True])
def test_what_is_erased_is_not_asked_again(corpus: Corpus, retry_failed: bool) -> None:
    failed = pa.Table.from_batches(corpus.scan(["request_id"], where="error_kind IS NOT NULL"))
    with corpus.writing() as writer:
        erase_speakers(corpus, writer, {SOMEONE.speaker}, "she asked for it")
    asked = pa.table({"request_id": [request_of(number).request_id for number in range(60)]})
    pending = corpus.pending(asked, retry_failed=retry_failed)["request_id"]
    assert set(pending.to_pylist()) == set(failed["request_id"].to_pylist() * retry_failed)


def test_erasing_nobody_changes_no_row(corpus: Corpus) -> None:
    before = corpus.digest()
    with corpus.writing() as writer:
        assert erase_speakers(corpus, writer, {"nobody"}, "")[0] == 0
    assert corpus.digest() == before


def test_codes_whose_decoding_failed_are_erased_and_verdicts_forget_the_voice(
    corpus: Corpus,
) -> None:
    codes = [65536, 65537 + 4321]
    failed = request_of(2000)
    row = asdict(failed.prompt) | {
        "request_id": failed.request_id, "prompt_id": failed.prompt.prompt_id,
        "teacher": "noise", "teacher_fingerprint": "noise-1", "seed": 2000, "codes": codes,
        "attempts": 1, "wall_s": 0.5, "device_s": 0.5,
        "error_kind": "decode", "error": "it could not be decoded",
    }  # fmt: skip
    with corpus.writing() as writer:
        writer.append(pa.RecordBatch.from_pylist([row], schema=UTTERANCE_SCHEMA))
    corpus.refresh()
    assert corpus.verdicts().num_rows
    with corpus.writing() as writer:
        erase_speakers(corpus, writer, {SOMEONE.speaker}, "she asked for it")
    there = Corpus.open(corpus.path)
    (erased,) = [
        row
        for batch in there.scan(where=f"request_id = '{failed.request_id}'")
        for row in batch.to_pylist()
    ]
    assert (erased["codes"], erased["error_kind"]) == (None, WITHDRAWN)
    assert not there.verdicts().num_rows
    judged = [row for batch in there.scan_judged(["request_id"]) for row in batch.to_pylist()]
    assert len(judged) == there.count() and not any(row["accepted"] for row in judged)
    with there.writing() as writer:
        assert erase_speakers(there, writer, {SOMEONE.speaker}, "she asked for it")[0] == 0
