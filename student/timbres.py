"""The voices that a student knows by name: how they sound, from the speech it has learnt from.

A student's codes say what is spoken and how; whose voice it is, the decoder must be told. So that
nobody needs a recording at hand, the timbres of the speakers are taken from their own neutral
speech in the export, once, and stored with the student.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.tags import Emotion, Style
from lauter.student.checkpoint import add_facts, read_facts
from lauter.student.facts import SPEAKERS, TIMBRE_FINGERPRINT, TIMBRES

if TYPE_CHECKING:
    from lauter.student.codec.codec import Codec, Timbre

RECORDINGS: Final = 5
"""A voice's timbre is the mean of so many of its utterances."""
_LEAST_S: Final = 1.0
_SEARCHED: Final = 20_000


def timbres_of(
    export: str | Path, codec: "Codec", speakers: Sequence[str], *, split: str = "train"
) -> dict[str, list[float]]:
    """Return the timbre of each speaker who has neutral speech of a second or more in an export.

    Speakers are looked for among the first 20,000 samples of the split, in their own order; whoever
    is not found there is left out.
    """
    found: dict[str, list[Clip]] = {speaker: [] for speaker in speakers}
    missing = len(found)
    loader = SpeechLoader(export, split=split, batch_size=16, shuffle=False, rank=0, world=1)
    for sample in islice((one for samples, _ in loader for one in samples), _SEARCHED):
        clips = found.get(sample.record["speaker"])
        if clips is None or len(clips) == RECORDINGS or not _is_neutral(sample.record):
            continue
        if sample.clip.duration_s >= _LEAST_S and _has_timbre(codec, sample.clip):
            clips.append(sample.clip)
            missing -= len(clips) == RECORDINGS
        if not missing:
            break
    return {speaker: mean_timbre(codec, clips) for speaker, clips in found.items() if clips}


def _has_timbre(codec: "Codec", clip: Clip) -> bool:
    try:
        codec.timbre(clip.samples, clip.sample_rate)
    except UsageError:  # mute, or damaged: another utterance tells more
        return False
    return True


def add_timbres(
    student: str | Path,
    export: str | Path,
    codec: str | Path | None = None,
    *,
    split: str = "train",
) -> int:
    """Store with a student the timbres of the speakers it has learnt from a split of ``export``.

    Those that it brought from before stay, where the same decoder heard them. Returns how many
    there are. Raises ``UsageError`` where ``codec`` (None: the one that comes with
    Lauter) is not the student's, or the folder is no student.
    """
    from lauter.student.codec.codec import open_codec

    facts = read_facts(student)
    opened = open_codec(codec)
    check_codec(facts, opened, f"the student in {student}")
    heard_by = opened.timbre_fingerprint()
    known = facts.get(TIMBRES, {}) if facts.get(TIMBRE_FINGERPRINT) == heard_by else {}
    missing = [speaker for speaker in facts.get(SPEAKERS, ()) if speaker not in known]
    timbres = known | timbres_of(export, opened, missing, split=split)
    add_facts(student, {TIMBRES: timbres, TIMBRE_FINGERPRINT: heard_by})
    return len(timbres)


def check_codec(facts: Mapping[str, Any], codec: "Codec", name: str) -> None:
    """Raise ``UsageError`` where the student ``name`` has learnt the codes of another codec."""
    learnt = facts.get("codec_fingerprint", codec.fingerprint)
    if learnt != codec.fingerprint:
        raise UsageError(
            f"{name} speaks the codes of the codec {learnt[:12]}, and this one is "
            f"{codec.fingerprint[:12]}; set codec.folder to the one that encoded its corpus"
        )


def check_timbres(facts: Mapping[str, Any], codec: "Codec", name: str) -> None:
    """Raise ``UsageError`` where the timbres of the student ``name`` were heard by another codec.

    A decoder that was trained anew has the same codes and hears voices otherwise.
    """
    heard_by = facts.get(TIMBRE_FINGERPRINT)  # students of before have none
    if heard_by not in (None, codec.timbre_fingerprint()):
        raise UsageError(
            f"{name} brings timbres from before the codec's decoder was trained anew; run its "
            "`lauter distill` once more, which only takes them again, or give a recording as the "
            "reference"
        )


def _is_neutral(record: Mapping[str, Any]) -> bool:
    return bool(
        record["emotion"] == Emotion.NEUTRAL
        and record["style"] == Style.PLAIN
        and not record["speed_level"]
    )


def mean_timbre(codec: "Codec", recordings: Sequence[Clip]) -> list[float]:
    """Return the timbre of several recordings of one voice, as it is stored.

    Raises ``UsageError`` for recordings that are no speech, or none at all.
    """
    if not recordings:
        raise UsageError("a timbre needs at least one recording of the voice; give one")
    vectors = [codec.timbre(clip.samples, clip.sample_rate).vector for clip in recordings]
    mean = torch.stack(vectors).mean(0)
    return [round(value, 6) for value in (mean / mean.norm()).tolist()]


def as_timbre(stored: Sequence[float]) -> "Timbre":
    """Return a stored timbre as the codec takes it."""
    from lauter.student.codec.codec import Timbre

    return Timbre(torch.tensor(stored, dtype=torch.float32))
