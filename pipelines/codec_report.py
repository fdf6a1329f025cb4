"""What a codec loses, and which of its parts loses it.

The same recordings go through codes and back in several ways, and the scorers of the house measure
all of them alike: both books, each book alone (the ablation of arXiv 2502.11946, table of
the tokenizer), and both books with a vocoder that is no network. Similarity to the speaker's
reference is lost in the decoder, whichever model speaks in these codes; so it is reported here.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final, cast

from lauter.datasets.audio import Clip
from lauter.datasets.codes import CODES_PER_S
from lauter.datasets.errors import UsageError
from lauter.filters.asr import AsrScorer
from lauter.pipelines.encode import unfit_for_codes
from lauter.pipelines.evaluate import Evaluation
from lauter.pipelines.evaluation_items import Item
from lauter.pipelines.evaluation_report import system_figures
from lauter.pipelines.evaluation_systems import Recorded, Resynthesis, System
from lauter.pipelines.score import ScorerFactory
from lauter.student.codec.codec import Codec, Decoding
from lauter.student.codec.usage import book_usage
from lauter.student.evaluation import Bootstrap

WAYS: Final = {
    "dual": Decoding(),
    "linguistic only": Decoding(use_semantic=False),
    "semantic only": Decoding(use_linguistic=False),
    "dual, Griffin-Lim": Decoding(griffin_lim=True),
}
"""How the codes are decoded, by the name of the system."""


def reportable(codec: Codec, items: Sequence[Item]) -> tuple[list[Item], dict[str, str]]:
    """Return the items that can be resynthesised, and by request why the others cannot.

    An item cannot where there is nothing to encode in its recording, or no voice to be had from
    its speaker's reference. It counts for no way of decoding, so all are measured on the same.
    """
    faults: dict[bytes, str | None] = {}
    left_out: dict[str, str] = {}
    for item in items:
        recording = Clip(item.recording.encoded or b"") if item.recording else Clip(b"")
        why = unfit_for_codes(recording)
        if why is None:
            voice = item.reference or recording
            if voice.encoded not in faults:  # utterances of one voice share its reference
                faults[voice.encoded] = _fault_of_voice(codec, Clip(voice.encoded))
            if fault := faults[voice.encoded]:
                why = f"the voice of '{item.request.prompt.speaker}' cannot be had: {fault}"
        if why:
            left_out[item.request.request_id] = why
    return [item for item in items if item.request.request_id not in left_out], left_out


def _fault_of_voice(codec: Codec, clip: Clip) -> str | None:
    try:
        codec.timbre(clip.samples, clip.sample_rate)
    except UsageError as error:
        return str(error)
    return None


def recogniser_of(open_scorers: Sequence[ScorerFactory]) -> str:
    """Return the name of the recogniser that error rates are measured by; empty: none of ours."""
    for open_scorer in open_scorers:
        made_by = open_scorer.func if isinstance(open_scorer, partial) else open_scorer
        if made_by is AsrScorer:
            return cast(AsrScorer, open_scorer()).recogniser
    return ""


def codec_systems(codec: Codec, seed: int = 0) -> list[System]:
    """Return the recordings as they are, and as they come back in each way."""
    decoded = [Resynthesis(codec, seed, name, decoding) for name, decoding in WAYS.items()]
    return [Recorded(), *decoded]


def codec_figures(
    codec: Codec, items: Sequence[Item], found: Evaluation, bootstrap: Bootstrap
) -> dict[str, Any]:
    """Return what the report says: both books' usage, and each way's figures with intervals."""
    clips = [item.recording for item in items if item.recording is not None]
    codes = codec.encode([clip.samples for clip in clips], [clip.sample_rate for clip in clips])
    linguistic, semantic = book_usage(codes)
    return {
        "codec": codec.fingerprint,
        "utterances": len(items),
        "speakers": len({item.request.prompt.speaker for item in items}),
        "codes_per_s": round(CODES_PER_S, 2),
        "books": {"linguistic": asdict(linguistic), "semantic": asdict(semantic)},
        "systems": {
            name: asdict(system_figures(rows, bootstrap)) for name, rows in found.systems.items()
        },
        "scorers": dict(found.scorers),
    }
