"""The texts that an evaluation is held on: from a corpus, an export, or a list of prompts.

Held out is what an export draws into a split by text (``datasets/selection.py``): with the same
shares the same sentences, by whichever voice. Rows come in the order of their digests, so the
first ones are a fair sample.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from lauter.datasets.audio import Clip
from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.imports.languages import dialect_of
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.records import REQUEST_SCHEMA, Prompt, Request, request_from_row
from lauter.datasets.seed_list import read_seed_list
from lauter.datasets.selection import select
from lauter.datasets.tags import Dialect, Emotion, Style
from lauter.datasets.voices import VOICE_SCHEMA

SEED_LIST: Final = "seed-list"
"""Who asks for the texts of a list, in the place of a teacher."""
SEARCHED_FOR_VOICES: Final = 5000
"""Samples of an export that are looked through for a neutral recording of each speaker."""
LEAST_REFERENCE_S: Final = 1.0
"""A shorter recording says too little of how a voice sounds."""


@dataclass(frozen=True, eq=False)
class Item:
    """A text to be said, as it was asked of the teacher.

    ``recording`` is how the teacher, or a person, said it, and ``recording_s`` the core or device
    time that took, where it is known; ``reference`` is how the voice sounds, ``reference_text``
    what it says there.
    """

    request: Request
    recording: Clip | None = None
    recording_s: float | None = None
    reference: Clip | None = None
    reference_text: str | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The request as a row of ``REQUEST_SCHEMA``."""
        of_itself = {name: getattr(self.request, name) for name in _REQUEST_NAMES}
        return of_itself | asdict(self.request.prompt) | {
            "prompt_id": self.request.prompt.prompt_id
        }  # fmt: skip


_REQUEST_NAMES = ("request_id", "teacher", "teacher_fingerprint", "seed")


def items_of_corpus(
    corpus: Corpus,
    *,
    shares: Mapping[str, float],
    split_by: str = "text",
    split: str,
    seed: int = 0,
    accepted_only: bool = True,
    count: int | None = None,
    leave: Leave | None = None,
) -> list[Item]:
    """Return at most ``count`` texts of a split that an export with ``shares`` would draw.

    ``accepted_only=False`` takes the teacher's rejected speech too: the teacher as it is, and not
    as the filters left it. Speech that may not be used by ``leave`` (None: nobody asks) is left
    out. Raises ``UsageError`` where the split has nothing.
    """
    selection = select(
        corpus,
        seed=seed,
        accepted=True if accepted_only else None,
        splits=shares,
        split_by=split_by,
        leave=leave,
    )
    if split not in selection.splits:
        having = ", ".join(f"{name} {rows}" for name, rows in selection.splits.items())
        raise UsageError(
            f"the corpus {corpus.path} has nothing in the split '{split}' ({having}); set "
            f"export.{split} to the share that student or codec were trained with, or a greater "
            "one, or evaluate a student on its export (evaluate.data)"
        )
    references = _references(corpus.voices())
    rows = (row for batch in selection.batches(split) for row in batch.to_pylist())
    chosen = list(islice(rows, count))
    spent = corpus.take([row["request_id"] for row in chosen], ["device_s"])["device_s"]
    return [
        _item(row, Clip(row["audio"]), references, recording_s)
        for row, recording_s in zip(chosen, spent.to_pylist(), strict=True)
    ]


def items_of_export(
    folder: str | Path,
    *,
    split: str,
    count: int | None = None,
    corpus: Corpus | None = None,
    wanted: Collection[str] | None = None,
) -> list[Item]:
    """Return at most ``count`` samples of an export's split, of all or of ``wanted`` requests.

    An export has no recordings of its voices beside its samples: they are the corpus's, where that
    is given and has them, else the first neutral sample of each speaker in another split.
    """
    chosen = (
        (row, clip)
        for row, clip in _rows(folder, split)
        if wanted is None or row["request_id"] in wanted
    )
    rows = list(islice(chosen, count))
    voices = {(row["speaker"], row["dialect"]) for row, _ in rows}
    references = dict(_references(corpus.voices())) if corpus is not None else {}
    references |= _neutral_samples(folder, split, voices - references.keys())
    return [_item(row, clip, references, None) for row, clip in rows]


def items_of_list(file: str | Path, language: str, *, count: int | None = None) -> list[Item]:
    """Return at most ``count`` texts of a SEED-TTS style list, each with a voice of its own.

    ``language`` is a dialect, or a language: then its first dialect is meant. Raises
    ``UsageError`` for a language without a place here, or a list with a fault.
    """
    code, named = dialect_of(language)
    dialect = named or next(one for one in Dialect if one.language == code)
    return [
        Item(
            Request(
                Prompt(entry.text, code.value, dialect.value, speaker=entry.key),
                SEED_LIST,
                "",
                0,
            ).identified(),
            entry.ground_truth,
            None,
            entry.prompt,
            entry.prompt_text,
        )
        for entry in read_seed_list(file)[:count]
    ]


def voices_of(items: Iterable[Item]) -> pa.Table:
    """Return the references of ``items`` as a table of ``VOICE_SCHEMA``, as scoring reads them."""
    found: dict[tuple[str, str], Item] = {}
    for item in items:
        prompt = item.request.prompt
        if item.reference is not None:
            found.setdefault((prompt.speaker, prompt.dialect), item)
    unknown: dict[str, Any] = dict.fromkeys(("gender", "licence", "consent", "identity"), "")
    return pa.Table.from_pylist(
        [
            unknown
            | {
                "speaker": speaker,
                "dialect": dialect,
                "reference_text": item.reference_text,
                "reference_audio": item.reference.encoded if item.reference else None,
            }
            for (speaker, dialect), item in found.items()
        ],
        schema=VOICE_SCHEMA,
    )


_References = Mapping[tuple[str, str], tuple[Clip, str | None]]


def _item(
    row: Mapping[str, Any], recording: Clip, references: _References, recording_s: float | None
) -> Item:
    request = request_from_row({name: row[name] for name in REQUEST_SCHEMA.names})
    voice = references.get((request.prompt.speaker, request.prompt.dialect), (None, None))
    return Item(request, recording, recording_s, *voice)


def _references(voices: pa.Table) -> _References:
    return {
        (row["speaker"], row["dialect"]): (Clip(row["reference_audio"]), row["reference_text"])
        for row in voices.to_pylist()
        if row["reference_audio"]
    }


def _rows(folder: str | Path, split: str) -> Iterator[tuple[dict[str, Any], Clip]]:
    loader = SpeechLoader(folder, split=split, batch_size=16, shuffle=False, rank=0, world=1)
    for samples, _ in loader:
        yield from ((sample.record, sample.clip) for sample in samples)


def _neutral_samples(folder: str | Path, split: str, wanted: set[tuple[str, str]]) -> _References:
    """Return a neutral sample for each speaker, of whom another split has one."""
    found: dict[tuple[str, str], tuple[Clip, str | None]] = {}
    if not wanted:
        return found
    for other in ("train", "valid", "test"):
        if other == split:
            continue
        try:
            rows = _rows(folder, other)
            for row, clip in islice(rows, SEARCHED_FOR_VOICES):
                voice = (row["speaker"], row["dialect"])
                tells = voice in wanted and voice not in found and _is_neutral(row)
                if tells and _is_long_enough(clip):
                    found[voice] = (clip, row["text"])
                if found.keys() == wanted:
                    return found
        except UsageError:
            continue  # it has no such split
    return found


def _is_neutral(row: Mapping[str, Any]) -> bool:
    plain = row["emotion"] == Emotion.NEUTRAL and row["style"] == Style.PLAIN
    return bool(plain and not row["speed_level"])


def _is_long_enough(clip: Clip) -> bool:
    try:
        return clip.duration_s >= LEAST_REFERENCE_S
    except UsageError:  # damaged: another one tells how the voice sounds
        return False
