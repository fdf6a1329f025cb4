"""What a system said in an evaluation, with its mark: page and table leave the house."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lauter.datasets.lineage import EDITOR
from lauter.datasets.mark_columns import IMPORTED
from lauter.datasets.marking import NO_ASSERTION, Marks, Synthetic, marked
from lauter.pipelines.evaluate import Measured
from lauter.pipelines.evaluation_items import SEED_LIST
from lauter.pipelines.evaluation_systems import GROUND_TRUTH, RESYNTHESIS, TEACHER
from lauter.student.marks import student_marks


def marked_sound(system: str, one: Measured, fingerprints: Mapping[str, Any]) -> bytes | None:
    """Return its FLAC with a mark, None where nothing was said.

    ``fingerprints`` are those of the evaluation. Recordings are the request's own, and whether
    those that were made elsewhere are synthetic is not known here. What codec and student made is,
    and answers a request of its own: the same prompt and seed, asked of them.
    """
    return marked(one.clip.encoded, _marks(system, one, fingerprints)) if one.clip else None


def _marks(system: str, one: Measured, fingerprints: Mapping[str, Any]) -> Marks:
    request = one.item.request
    text_licence = request.prompt.text_licence or NO_ASSERTION
    if system in (TEACHER, GROUND_TRUTH):
        made_elsewhere = request.teacher in (IMPORTED, EDITOR, SEED_LIST)
        return Marks(
            Synthetic.UNKNOWN if made_elsewhere else Synthetic.YES,
            request.request_id,
            request.teacher,
            request.teacher_fingerprint,
            request.prompt.speaker,
            text_licence=text_licence,
        )
    fingerprint = fingerprints.get("codec" if system == RESYNTHESIS else system, "")
    said = student_marks(system, fingerprint, request.prompt, request.seed)
    return replace(said, text_licence=text_licence)
