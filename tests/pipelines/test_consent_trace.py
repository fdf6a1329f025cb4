"""Where a voice went: corpora, tags, exports of both kinds, students that really learnt."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from coded_export import SOMEONE, coded_export
from judged_corpus import flac_of, judged_corpus
from midget import midget, settings_of

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_erasure import erase_speakers
from lauter.datasets.errors import UsageError
from lauter.datasets.shards import export_webdataset
from lauter.datasets.voices import VOICE_SCHEMA, voice_row
from lauter.pipelines.consent_trace import VoiceTrace, trace_voice
from lauter.student.train import train

ADA = replace(SOMEONE, speaker="ada", identity="ada_example")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two exports with their corpora, and a student of one of them."""
    place = tmp_path_factory.mktemp("place")
    coded_export(place / "shards", speakers=("ada", "sam"))
    coded_export(place / "lance", kind="lance", speakers=("sam", "ada", "eve"))
    coded_export(place / "elsewhere", speakers=("sam",))
    corpus = Corpus.open(place / "shards-corpus")
    with corpus.writing() as writer:
        parts = replace(ADA, speaker="sam", identity="sam", made_of=("eve", "ada"))
        rows = [voice_row(ADA, None, None), voice_row(parts, None, None)]
        writer.put_voices(pa.Table.from_pylist(rows, schema=VOICE_SCHEMA))
    corpus.tag("release-1")
    (place / "begun").mkdir()
    init = midget(place / "begun" / "student")
    for name in ("shards", "elsewhere"):
        train(settings_of(place / name, place / f"of-{name}", init))
    return place


def relative(trace: VoiceTrace, place: Path) -> dict[str, list[str]]:
    return {
        kind: [os.path.relpath(found.path, place) for found in getattr(trace, kind)]
        for kind in ("corpora", "exports", "students")
    }


def test_a_voice_is_found_in_corpora_releases_exports_and_students(place: Path) -> None:
    trace = trace_voice("eve", place)
    # sam is made of eve and ada, so everything that sam says is eve's as well.
    assert trace.speakers == ["eve", "sam"]
    found = relative(trace, place)
    assert found["corpora"] == ["elsewhere-corpus", "lance-corpus", "shards-corpus"]
    assert found["exports"] == ["elsewhere", "lance", "shards"]
    assert found["students"] == ["of-elsewhere/student", "of-shards/student"]
    (shards,) = (one for one in trace.corpora if one.path.endswith("shards-corpus"))
    assert shards.speakers == {"sam": 20} and len(shards.utterances) == 20
    (release,) = shards.releases
    assert (release.tag, release.utterances, release.accepted) == ("release-1", 20, 20)
    (samples,) = (one for one in trace.exports if one.path.endswith("shards"))
    assert set(samples.samples) == set(shards.utterances)
    assert all((place / "shards" / shard).is_file() for shard in samples.shards)
    assert trace.unreadable == []


def test_a_voice_is_found_under_its_other_name_by_whose_it_is(place: Path) -> None:
    lady = replace(ADA, speaker="lady")
    trace = trace_voice("lady", place, book=[lady])
    assert "ada" in trace.speakers
    assert relative(trace, place)["corpora"]


def test_an_export_that_calls_it_otherwise_is_found_by_the_ids(tmp_path: Path) -> None:
    coded_export(tmp_path / "first", rows=8, speakers=("ada",), kind="lance")
    shutil.rmtree(tmp_path / "first")
    coded_export(tmp_path / "second", rows=8, speakers=("ada",))
    corpus = tmp_path / "first-corpus"
    assert corpus.exists()
    trace = trace_voice("ada", tmp_path)
    assert relative(trace, tmp_path)["exports"] == ["second"]
    assert set(trace.exports[0].samples) == set(trace.corpora[0].utterances)


def test_a_student_is_found_by_its_data_where_it_names_other_voices(
    place: Path, tmp_path: Path
) -> None:
    shutil.copytree(place / "shards", tmp_path / "shards")
    shutil.copytree(place / "of-shards" / "student", tmp_path / "student")
    facts = json.loads((tmp_path / "student/student.json").read_text())
    (tmp_path / "student/student.json").write_text(json.dumps(facts | {"speakers": []}))
    (student,) = trace_voice("ada", tmp_path).students
    assert (student.speakers, student.exports) == ([], [str(tmp_path / "shards")])


def test_what_cannot_be_read_is_told_and_ends_nothing(tmp_path: Path) -> None:
    judged_corpus(tmp_path / "whole", voice=ADA)
    for name, file, content in (
        ("corpus", "corpus.json", "{"),
        ("export", "samples.parquet", "no parquet"),
        ("student", "student.json", "{"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(content)
    (tmp_path / "foreign").mkdir()
    pq.write_table(pa.table({"request_id": ["a"]}), tmp_path / "foreign" / "samples.parquet")
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "student.json").write_text('{"speakers": 5}')
    cut = judged_corpus(tmp_path / "cut", voice=ADA)
    shutil.rmtree(tmp_path / "cut" / "utterances.lance" / "data")
    trace = trace_voice("ada", tmp_path)
    assert [one.path for one in trace.corpora] == [str(tmp_path / "whole")]
    assert len(trace.unreadable) == 6
    assert any(str(cut.path) in sentence for sentence in trace.unreadable)


def test_releases_that_cannot_be_read_hide_no_utterance(tmp_path: Path) -> None:
    corpus = judged_corpus(tmp_path / "corpus", voice=ADA)
    corpus.tag("damaged")
    (tag,) = (tmp_path / "corpus" / "utterances.lance").rglob("damaged.json")
    tag.write_text("{")
    trace = trace_voice("ada", tmp_path)
    (found,) = trace.corpora
    assert found.utterances and not found.releases
    (sentence,) = trace.unreadable
    assert sentence.startswith(f"{corpus.path}: ")


def test_what_was_erased_is_found_still_and_so_is_a_mere_reference(tmp_path: Path) -> None:
    corpus = judged_corpus(tmp_path / "erased", voice=ADA)
    mere = judged_corpus(tmp_path / "mere")
    judged_corpus(tmp_path / "others")
    renamed_export(corpus, tmp_path / "export", "lady")
    for one in (corpus, mere):
        with one.writing() as writer:
            rows = [voice_row(ADA, "words", flac_of(1))]
            writer.put_voices(pa.Table.from_pylist(rows, schema=VOICE_SCHEMA))
    with corpus.writing() as writer:
        erased, _ = erase_speakers(corpus, writer, {"ada"}, "she asked for it")
    trace = trace_voice("ada", tmp_path)
    assert trace.unreadable == []
    assert relative(trace, tmp_path) == {
        "corpora": ["erased", "mere"], "exports": ["export"], "students": [],
    }  # fmt: skip
    gone, reference = trace.corpora
    assert (gone.voices, gone.speakers, gone.erased) == (["ada"], {}, erased)
    assert len(gone.utterances) == erased
    assert (reference.voices, reference.utterances) == (["ada"], [])


def test_an_export_says_whose_voices_it_has_where_its_corpus_is_gone(tmp_path: Path) -> None:
    corpus = judged_corpus(tmp_path / "corpus", voice=ADA)
    export_webdataset(corpus, tmp_path / "export")
    shutil.rmtree(tmp_path / "corpus")
    trace = trace_voice("ada_example", tmp_path)
    assert relative(trace, tmp_path)["exports"] == ["export"] and "ada" in trace.speakers


def renamed_export(corpus: Corpus, folder: Path, name: str) -> None:
    """Export a corpus, and let its records call the voice otherwise."""
    export_webdataset(corpus, folder)
    path = folder / "samples.parquet"
    table, facts = pq.read_table(path), pq.read_metadata(path).metadata
    field, place = table.schema.field("speaker"), table.schema.get_field_index("speaker")
    renamed = table.set_column(place, field, pa.array([name] * len(table), field.type))
    pq.write_table(renamed.replace_schema_metadata(facts), path)


def test_a_voice_that_stands_nowhere_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    judged_corpus(tmp_path / "corpus", voice=ADA)
    with pytest.raises(UsageError, match=r"no voice below .* is called 'adda'; did you mean ada"):
        trace_voice("adda", tmp_path)
    with pytest.raises(UsageError, match="is no folder"):
        trace_voice("ada", tmp_path / "away")
