"""``evaluation.json`` and ``utterances.parquet``: the figures, and what they were counted from."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from lauter.datasets.identity import digest
from lauter.datasets.records import described
from lauter.orchestration.evaluation.marked_sound import marked_sound
from lauter.orchestration.run_record import PACKAGES, installed_version
from lauter.pipelines.evaluate import Evaluation
from lauter.pipelines.evaluation_report import MEANS, Report
from lauter.student.evaluation import CONFIDENCE

FORMAT: Final = 1
DIGITS: Final = 6

UTTERANCES = pa.schema(
    [
        described("system", pa.string(), "Who spoke", nullable=False),
        described("request_id", pa.string(), "What was asked; pairs the systems", nullable=False),
        described("text", pa.string(), "The text asked", nullable=False),
        described("language", pa.string(), "ISO 639-1 code of the writing", nullable=False),
        described("dialect", pa.string(), "Spoken variety", nullable=False),
        described("emotion", pa.string(), "What the voice was to express", nullable=False),
        described("emotion_level", pa.int8(), "0 (neutral) to 5", nullable=False),
        described("speaker", pa.string(), "Voice by name", nullable=False),
        described("transcript", pa.string(), "What the recogniser heard"),
        described("failure", pa.string(), "Why it is no answer; null: it is one"),
        described("fault", pa.string(), "truncated or repeated, as it was heard"),
        described("applicable", pa.bool_(), "The recogniser may judge the dialect", nullable=False),
        described("edits", pa.int32(), "Characters lost, inserted, replaced", nullable=False),
        described("characters", pa.int32(), "Characters asked", nullable=False),
        described("word_edits", pa.int32(), "The same in words; of English only", nullable=False),
        described("words", pa.int32(), "Words asked; of English only", nullable=False),
        *(described(name, pa.float64(), f"Score {name}") for name in MEANS),
        described("seconds", pa.float64(), "Time it took to speak", unit="s"),
        described("audio", pa.large_binary(), "FLAC with its mark, mono; null where there is none"),
    ]
)
_OF_PROMPT = ("text", "language", "dialect", "emotion", "emotion_level", "speaker")
_OF_MEASURED = (
    "transcript", "failure", "fault", "applicable", "edits", "characters", "word_edits", "words",
    "seconds",
)  # fmt: skip


def utterances(evaluation: Evaluation, fingerprints: Mapping[str, Any]) -> pa.Table:
    """Return every utterance of every system, with its audio, which bears its mark."""
    return pa.Table.from_pylist(
        [
            {
                "system": system,
                "request_id": one.item.request.request_id,
                "audio": marked_sound(system, one, fingerprints),
                **{name: getattr(one.item.request.prompt, name) for name in _OF_PROMPT},
                **{name: getattr(one, name) for name in _OF_MEASURED},
                **{name: one.figures.get(name) for name in MEANS},
            }
            for system, measured in evaluation.systems.items()
            for one in measured
        ],
        schema=UTTERANCES,
    )


def data_digest(evaluation: Evaluation) -> str:
    """Return a digest of the texts asked, their recordings and their voices, in their order."""
    items = [one.item for one in next(iter(evaluation.systems.values()))]
    known = [
        [
            item.request.request_id,
            *(
                digest("lauter.audio.v1", clip.encoded) if clip else ""
                for clip in (item.recording, item.reference)
            ),
        ]
        for item in items
    ]
    return digest("lauter.evaluation.v1", json.dumps(known))


def as_json(
    report: Report,
    evaluation: Evaluation,
    *,
    fingerprints: Mapping[str, Any],
    device: str,
    seed: int,
    settings: Mapping[str, Any],
) -> str:
    """Return the whole evaluation but its sounds as JSON; figures have six digits."""
    verdict = report.verdict
    content = {
        "format": FORMAT,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": None
        if verdict is None
        else {
            "not_inferior": verdict.holds,
            "against": verdict.against,
            "margin": verdict.margin,
            "confidence": CONFIDENCE,
            "difference": asdict(verdict.difference),
            "sentence": verdict.sentence,
        },
        "texts": report.texts,
        "not_heard": report.not_heard,
        "systems": {
            name: asdict(figures) | {"failed": figures.failed}
            for name, figures in report.systems.items()
        },
        "comparisons": [asdict(comparison) for comparison in report.comparisons],
        "slices": [asdict(piece) for piece in report.slices],
        "score_errors": evaluation.score_errors,
        "bootstrap": asdict(report.bootstrap) | {"confidence": CONFIDENCE},
        "seed": seed,
        "device": device,
        "fingerprints": {
            **fingerprints,
            "scorers": dict(sorted(evaluation.scorers.items())),
            "data": data_digest(evaluation),
        },
        "versions": {name: installed_version(name) for name in PACKAGES},
        "settings": settings,
    }
    return json.dumps(_rounded(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list | tuple) else value
