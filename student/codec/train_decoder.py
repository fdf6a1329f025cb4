"""Trains the decoder of a codec that is there on, for speech unlike what it has decoded so far.

Codes can carry what a decoder never learnt to sound: a codec that was trained on neutral speech
hears a raised voice, and decodes it flat (``docs/audio_edit.md`` has the figures). Flow, condition
and timbre then go on learning, from speech that the codec has encoded. Encoder, book and vocoder
stay as they are, and with them the codes and their fingerprint: corpora of this codec stay of use,
and so do students. But another decoder hears timbres otherwise, so a student speaks in the voices
that it has by name only when its `lauter distill` has run again, which takes them anew and trains
nothing. A training that is stopped begins from the start.
"""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import cast

import torch

from lauter.datasets.codes import deinterleave
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import digest
from lauter.student.codec.codec import WEIGHTS, Codec, open_codec
from lauter.student.codec.flow import Flow
from lauter.student.codec.mel import SAMPLE_RATE
from lauter.student.codec.train_codes import CodesModel, TrainingClip, clip_batches
from lauter.student.codec.train_flow import FlowTraining, train_flow
from lauter.student.codec.training import (
    SAMPLES_PER_ENTRY,
    STAGES,
    Speech,
    telling,
    whole_samples,
)
from lauter.student.codec.training_log import OnStep, TrainingLog


def train_decoder(
    speech: Iterable[Speech],
    begun: Codec,
    folder: str | Path,
    settings: FlowTraining,
    on_step: OnStep,
    *,
    device: str = "cpu",
) -> Codec:
    """Train the decoder of ``begun`` on, in place, write it to ``folder`` and return the codec.

    Speech without codes is passed over. Raises ``UsageError`` where none has any, where ``folder``
    holds a codec of other codes, and for a loss that is no number.
    """
    folder = Path(folder)
    _check_same_codes(folder, begun)
    clips = [clip for one in speech if (clip := _encoded(one)) is not None]
    if not clips:
        raise UsageError(
            f"none of the speech holds codes of the codec {begun.fingerprint[:12]}, and its "
            "decoder learns from those; run `lauter codec encode` with that codec first"
        )
    torch.manual_seed(settings.seed)
    parts = begun.to(device).parts
    model, flow = CodesModel().to(device), cast(Flow, parts["flow"])
    for name in ("semantic", "timbre", "condition"):
        setattr(model, name, parts[name])
    batches = clip_batches(clips, settings.batch_size, settings.longest_groups, settings.seed)
    log = TrainingLog(folder / STAGES, on_step)
    train_flow(model, flow, batches, settings, telling(log, "flow", settings.steps))
    begun.save(folder, _about(clips, begun, settings))
    return open_codec(folder)


def _encoded(speech: Speech) -> TrainingClip | None:
    """Return speech with its linguistic entries; None where its codes are missing or of another."""
    if speech.codes is None:
        return None
    samples = whole_samples(speech)
    entries, _ = deinterleave(speech.codes)
    if len(samples) != len(entries) * SAMPLES_PER_ENTRY:
        return None
    return TrainingClip(samples, entries, speech.text, speech.speaker)


def _about(clips: list[TrainingClip], begun: Codec, settings: FlowTraining) -> dict[str, object]:
    recordings = "".join(digest("", clip.samples.tobytes()) for clip in clips)
    return {
        "trained_on": {
            "digest": digest("lauter.codec_data.v1", recordings),
            "clips": len(clips),
            "hours": round(sum(len(clip.samples) for clip in clips) / SAMPLE_RATE / 3600, 2),
            "speakers": len({clip.speaker for clip in clips}),
            "what": "the decoder alone, from begun_as on",
        },
        "training": {"flow": asdict(settings)},
        "begun_as": begun.about,
    }


def _check_same_codes(folder: Path, begun: Codec) -> None:
    """Raise ``UsageError`` for a folder with a codec whose codes another one could not decode."""
    if (folder / WEIGHTS).exists() and open_codec(folder).fingerprint != begun.fingerprint:
        raise UsageError(
            f"{folder} holds a codec of other codes, and what it encoded can be decoded by no "
            "other; name another codec.folder"
        )
