"""`lauter trace`: a lone file finds its way back, and says so when it cannot."""

import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from asking import Ask
from judged_corpus import judged_corpus, request_of

from lauter.datasets.audio import Clip, decode_audio, encode_flac, resample
from lauter.datasets.corpus import Corpus
from lauter.datasets.lance_export import export_lance
from lauter.datasets.marking import Marks, Synthetic, marked, unmarked
from lauter.datasets.records import described
from lauter.datasets.shards import export_webdataset
from lauter.filters.sound import SAMPLE_RATE, sound_print

PRINT = described("sound_print", pa.list_(pa.uint32()), "Its print")


@pytest.fixture
def home(own: Path) -> Path:
    """A folder with a corpus of six utterances that have prints; one is an emotion."""
    corpus = Corpus.open(own)
    (rows,) = corpus.scan(["request_id", "audio"])
    found = [
        {"request_id": row["request_id"],
         "sound_print": sound_print(Clip(row["audio"]).at(SAMPLE_RATE))}
        for row in rows.to_pylist()
    ]  # fmt: skip
    with corpus.writing() as writer:
        schema = pa.schema([pa.field("request_id", pa.string()), PRINT])
        writer.put_scores(pa.Table.from_pylist(found, schema=schema))
    return own.parent


@pytest.fixture
def clip(home: Path) -> Path:
    """A file out of a shard of that corpus, alone, beside an export of the other kind."""
    export_webdataset(Corpus.open(home / "own"), home / "shards")
    export_lance(Corpus.open(home / "own"), home / "rows")
    with tarfile.open(home / "shards" / "train" / "recording.000000.tar") as tar:
        clips = (one for one in tar.getmembers() if one.name.endswith(".flac"))
        member = max(clips, key=lambda one: one.size)
        file = tar.extractfile(member)
        assert file
        (home / member.name).write_bytes(file.read())
    return home / member.name


def row_of(home: Path, clip: Path) -> dict[str, object]:
    (row,) = Corpus.open(home / "own").take([clip.stem]).to_pylist()
    return row  # type: ignore[no-any-return]


def test_a_marked_file_shows_its_mark_its_row_and_where_else_it_stands(
    ask: Ask, home: Path, clip: Path
) -> None:
    answer = ask("trace", str(clip), f"trace.within={home}")
    assert answer.code == 0, answer.err
    row = row_of(home, clip)
    for told in (
        f"{clip} bears a mark:", "synthetic            yes", clip.stem, str(row["text"]),
        str(row["teacher_fingerprint"]), "spoken by the teacher 'fast'",
        "accepted under the policy 'picky'", "licence CC-BY-3.0, consent: HTS voice Mei",
        f"the corpus {home / 'own'} has it: the same file (found by the mark)",
        f"the export {home / 'shards'} has it too", f"the export {home / 'rows'} has it too",
    ):  # fmt: skip
        assert told in answer.out, told
    assert ask("trace", f"trace.file={clip}", f"trace.within={home}").out == answer.out


def test_without_its_mark_it_is_found_by_its_bytes_its_samples_and_its_sound(
    ask: Ask, home: Path, clip: Path
) -> None:
    plain = unmarked(clip.read_bytes())
    samples, rate = decode_audio(plain)
    names = {"plain.flac": plain}
    for name, audio, at, kind in (
        ("b [x], ${y}=.wav", samples, rate, "WAV"),
        ("slow.wav", resample(samples, rate, 16000) * 0.5, 16000, "WAV"),
        ("small.mp3", samples, rate, "MP3"),
    ):
        written = io.BytesIO()
        soundfile.write(written, audio, at, format=kind)
        names[name] = written.getvalue()
    told = ["the same file", "the same samples"]
    told += 2 * ["the same recording by its sound print, which agrees to "]
    for (name, content), how in zip(names.items(), told, strict=True):
        (home / name).write_bytes(content)
        answer = ask("trace", str(home / name), f"trace.within={home / 'own'}")
        assert answer.code == 0, answer.err
        assert f"has it: {how}" in answer.out and clip.stem in answer.out
        assert "bears a mark" not in answer.out
        for agreement in re.findall(r"agrees to (\S+)", answer.out):
            assert 0.8 <= float(agreement) <= 1


def test_a_mark_on_another_sound_is_found_out(ask: Ask, home: Path, clip: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    row = row_of(home, clip)
    marks = Marks(Synthetic.NO, clip.stem, "import", "f" * 32, str(row["speaker"]))
    (home / "forged.flac").write_bytes(marked(encode_flac(noise, 16000), marks))
    answer = ask("trace", str(home / "forged.flac"), f"trace.within={home}")
    assert answer.code == 0
    assert "another sound" in answer.out and "or the mark is another's" in answer.out


def test_what_nobody_has_is_one_sentence(ask: Ask, home: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    file = tmp_path / "noise.flac"
    file.write_bytes(encode_flac(noise, 16000))
    answer = ask("trace", str(file), f"trace.within={home}")
    assert answer.code == 2 and not answer.out
    assert "bears no mark, and none of the 1 corpora and exports in" in answer.err
    assert "that of the same recording does to 0.7 and more" in answer.err
    (tmp_path / "empty").mkdir()
    answer = ask("trace", str(file), f"trace.within={tmp_path / 'empty'}")
    assert answer.code == 2 and "no corpus or export in" in answer.err
    short = tmp_path / "short.flac"
    short.write_bytes(encode_flac(noise[:9000], 16000))
    assert "too short to be known by its sound" in ask("trace", str(short)).err
    file.write_bytes(marked(file.read_bytes(), Marks(Synthetic.YES, "0" * 32, "s", "f", "v")))
    answer = ask("trace", str(file), f"trace.within={tmp_path / 'empty'}")
    assert answer.code == 0 and "no corpus or export in" in answer.out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"hello", "cannot be traced: an audio of 5 bytes cannot be decoded"),
     (b"", "cannot be traced: an audio of 0 bytes cannot be decoded"),
     (b"fLaC\0\0\0\x22", "cannot be traced: an audio of 8 bytes cannot be decoded"),
     (None, "No such file or directory")],
)  # fmt: skip
def test_what_is_no_audio_is_one_sentence(
    ask: Ask, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    answer = ask("trace", str(file), f"trace.within={tmp_path}")
    assert answer.code == 2 and sentence in answer.err


def test_settings_that_make_no_sense_are_sentences(ask: Ask, tmp_path: Path) -> None:
    assert "write `lauter trace clip.flac`" in ask("trace").err
    (tmp_path / "a.flac").write_bytes(encode_flac(np.ones(20_000, np.int16), 16000))
    answer = ask("trace", str(tmp_path / "a.flac"), f"trace.within={tmp_path / 'none'}")
    assert "is no folder; set trace.within" in answer.err


def test_a_damaged_neighbour_is_told_and_left_out(ask: Ask, home: Path, clip: Path) -> None:
    (home / "broken").mkdir()
    (home / "broken" / "samples.parquet").write_bytes(b"PAR1 no longer")
    answer = ask("trace", str(clip), f"trace.within={home}")
    assert answer.code == 0 and f"left out: {home / 'broken'}" in answer.out


def test_what_was_edited_is_followed_to_where_it_began(ask: Ask, tmp_path: Path) -> None:
    (rows,) = judged_corpus(tmp_path / "c", 4, samples=20_000).scan()
    ids = [request_of(number).request_id for number in range(4)]
    parents = pa.array([None, ids[0], ids[1], "f" * 32])
    names = rows.schema.names
    if "parent_id" in names:
        rows = rows.set_column(names.index("parent_id"), "parent_id", parents)
    else:
        rows = rows.append_column("parent_id", parents)
    corpus = Corpus.create(tmp_path / "edited")
    with corpus.writing() as writer:
        writer.append(rows)
    for number, told in ((2, [ids[1], ids[0]]), (3, ["f" * 32]), (0, [])):
        (tmp_path / "a.flac").write_bytes(rows["audio"][number].as_py())
        out = ask("trace", str(tmp_path / "a.flac"), f"trace.within={tmp_path / 'edited'}").out
        lines = [line.split() for line in out.splitlines()]
        lineage = [
            line[2 if line[0] == "edited" else 3].rstrip(",")
            for line in lines if line[:2] in (["edited", "from"], ["which", "is"])
        ]  # fmt: skip
        assert lineage == told
        assert "not judged" in out
    assert "which is not here" in out or not told
