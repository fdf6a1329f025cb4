"""Where a voice went: every utterance, release, export, shard and student that it touched.

A voice is looked for by its name and by whose it is: under other names of the same identity, and in
voices that are made of it. Exports are searched by speaker and by the ids of the utterances, so
that one which calls the voice otherwise is found as well; students by the voices that they say they
have learnt, and by the data that they learnt from, where that export is found. What was erased is
found still: its exports may be there, and an erasure that was cut off is to be finished. What
cannot be read is told and does not end the search, whatever is wrong with it: a foreign file must
not hide the others. Codecs keep no list of voices and are not traced.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.consent import touched_speakers
from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_layout import MARK, WITHDRAWN
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SAMPLES, SHARDS_KEY, SPEECH, facts_from_json, open_samples
from lauter.datasets.exported_voices import exported_voices
from lauter.datasets.holdings import places_below
from lauter.datasets.lance_source import open_speech
from lauter.datasets.speech_sample import samples_number
from lauter.datasets.suggestion import check_known
from lauter.datasets.voices import Voice, voices_of
from lauter.student.checkpoint import FACTS
from lauter.student.facts import SPEAKERS

_WANTED: Final = ["request_id", "speaker"]
_SPOKEN: Final = f"error_kind IS NULL OR codes IS NOT NULL OR error_kind = '{WITHDRAWN}'"


@dataclass(frozen=True)
class Release:
    """A tag of a corpus: how many of the voice's utterances it has, and accepted ones of these."""

    tag: str
    utterances: int
    accepted: int


@dataclass(frozen=True)
class CorpusTrace:
    """The utterances of a corpus that the voice was spoken for, and its releases.

    ``voices`` are its names in the corpus's table of voices, ``speakers`` counts by name what
    still has sound or codes, and ``erased`` what has neither.
    """

    path: str
    voices: list[str]
    speakers: dict[str, int]
    erased: int
    utterances: list[str]
    releases: list[Release]


@dataclass(frozen=True)
class ExportTrace:
    """The samples of an export that the voice is heard in, and the shards that hold them."""

    path: str
    samples: list[str]
    shards: list[str]


@dataclass(frozen=True)
class StudentTrace:
    """A student that has learnt from the voice: by which names, and from which exports."""

    path: str
    speakers: list[str]
    exports: list[str]


@dataclass(frozen=True)
class VoiceTrace:
    """All that was found of a voice: under which names, and where."""

    voice: str
    speakers: list[str]
    corpora: list[CorpusTrace]
    exports: list[ExportTrace]
    students: list[StudentTrace]
    unreadable: list[str]

    def json(self) -> str:
        """Return everything, ids too."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"


def trace_voice(name: str, within: Path, book: Iterable[Voice] = ()) -> VoiceTrace:
    """Return what the voice ``name`` touched in the folder ``within`` and below.

    ``book`` adds what is known of persons. Raises ``UsageError`` for a folder that is none, and for
    a name that stands nowhere.
    """
    if not within.is_dir():
        raise UsageError(f"{within} is no folder; set consent.within to one that has corpora in it")
    marks = list(places_below(within, MARK, SAMPLES, SPEECH, FACTS))
    unreadable: list[str] = []
    corpora: list[Corpus] = []
    people = list(book)
    for place in _of(marks, MARK):
        with _telling(place, unreadable):
            corpus = Corpus.open(place)
            people += voices_of(corpus.voices())
            corpora.append(corpus)
    places = sorted([*_of(marks, SAMPLES), *_of(marks, SPEECH)])
    for place in places:
        with _telling(place, unreadable):
            people += exported_voices(place)
    speakers = touched_speakers(name, people)
    in_corpora: list[CorpusTrace] = []
    for corpus in corpora:
        with _telling(corpus.path, unreadable):
            in_corpora.append(_in_corpus(corpus, speakers, unreadable))
    ids = pa.array([one for found in in_corpora for one in found.utterances], pa.string())
    exports: list[ExportTrace] = []
    learnt_from: dict[str, str] = {}
    for place in places:
        with _telling(place, unreadable):
            in_export, identities = _in_export(place, speakers, ids)
            if in_export.samples:
                exports.append(in_export)
                learnt_from |= dict.fromkeys(identities, str(place))
    students: list[StudentTrace] = []
    for place in _of(marks, FACTS):
        with _telling(place / FACTS, unreadable):
            facts = json.loads((place / FACTS).read_text(encoding="utf-8"))
            student = _in_student(place, facts, speakers, learnt_from)
            if student.speakers or student.exports:
                students.append(student)
    corpus_traces = [
        found for found in in_corpora if found.utterances or found.voices or found.releases
    ]
    if not (corpus_traces or exports or students):
        known = {voice.speaker for voice in people} | {voice.identity for voice in people}
        check_known(name, known, f"no voice below {within.resolve()} is called '{name}'")
    return VoiceTrace(name, sorted(speakers), corpus_traces, exports, students, unreadable)


def _of(marks: Sequence[tuple[Path, str]], name: str) -> list[Path]:
    return [place for place, mark in marks if mark == name]


@contextmanager
def _telling(place: object, unreadable: list[str]) -> Iterator[None]:
    """Note what goes wrong with a place, and go on."""
    try:
        yield
    except Exception as error:
        told = str(error) if isinstance(error, UsageError) else f"{place}: {error!r}"
        unreadable.append(told)


def _in_corpus(corpus: Corpus, speakers: set[str], unreadable: list[str]) -> CorpusTrace:
    counts: Counter[str] = Counter()
    ids: list[str] = []
    erased = 0
    columns = [*_WANTED, "error_kind"]
    for batch in corpus.scan(columns, where=_SPOKEN, batch_size=8192):
        rows = batch.filter(_among(batch["speaker"], speakers))
        heard = rows.filter(pc.fill_null(pc.not_equal(rows["error_kind"], WITHDRAWN), True))
        counts.update(heard["speaker"].to_pylist())
        erased += rows.num_rows - heard.num_rows
        ids += rows["request_id"].to_pylist()
    releases: list[Release] = []
    with _telling(corpus.path, unreadable):
        for tag in sorted(corpus.tags()):
            with _telling(f"{corpus.path} at {tag}", unreadable):
                releases.append(_in_release(corpus.path, tag, speakers))
    return CorpusTrace(
        str(corpus.path),
        sorted(speakers.intersection(corpus.voices()["speaker"].to_pylist())),
        dict(sorted(counts.items())),
        erased,
        ids,
        [release for release in releases if release.utterances],
    )


def _in_release(path: Any, tag: str, speakers: set[str]) -> Release:
    corpus = Corpus.open(path, version=tag)
    spoken = accepted = 0
    rows = corpus.scan(_WANTED, where="error_kind IS NULL", batch_size=8192)
    if corpus.policies():
        rows = corpus.scan_judged([*_WANTED, "error_kind"], batch_size=8192)
    for batch in rows:
        heard = batch.filter(_among(batch["speaker"], speakers))
        if "accepted" in heard.schema.names:
            heard = heard.filter(pc.is_null(heard["error_kind"]))
            accepted += heard["accepted"].true_count
        spoken += heard.num_rows
    return Release(tag, spoken, accepted)


def _in_export(place: Path, speakers: set[str], ids: pa.Array) -> tuple[ExportTrace, list[str]]:
    """Return what an export has of the voice, and how students call its splits that have it."""
    if (place / SAMPLES).exists():
        with open_samples(place) as table:
            shards = facts_from_json(table.metadata.metadata[SHARDS_KEY.encode()])
            rows = table.read(columns=[*_WANTED, "split", "shard"])
        numbers = {
            split: samples_number(one.sha256 for one in shards if one.split == split)
            for split in {one.split for one in shards}
        }
    else:
        rows = open_speech(place).to_table(columns=[*_WANTED, "split"], scan_in_order=True)
        rows = rows.append_column("shard", pa.repeat(SPEECH, len(rows)))
        numbers = {
            split: samples_number(
                rows.filter(pc.equal(rows["split"], split))["request_id"].to_pylist()
            )
            for split in pc.unique(rows["split"]).to_pylist()
        }
    by_id = pc.is_in(rows["request_id"], value_set=ids)
    heard = rows.filter(pc.or_(_among(rows["speaker"], speakers), by_id))
    splits = pc.unique(heard["split"]).to_pylist()
    found = ExportTrace(
        str(place), heard["request_id"].to_pylist(), sorted(pc.unique(heard["shard"]).to_pylist())
    )
    return found, [f"{numbers[split]:015x}" for split in splits]


def _in_student(
    place: Path, facts: dict[str, Any], speakers: set[str], learnt_from: dict[str, str]
) -> StudentTrace:
    data = facts.get("data") or {}
    export = learnt_from.get(data.get("identity", ""))
    known = sorted(speakers.intersection(facts.get(SPEAKERS) or ()))
    return StudentTrace(str(place), known, [export] if export else [])


def _among(column: Any, speakers: set[str]) -> Any:
    return pc.is_in(column, value_set=pa.array(sorted(speakers), pa.string()))
