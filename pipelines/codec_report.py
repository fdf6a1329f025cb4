"""What a codec loses, and which of its parts loses it.

The same recordings go through codes and back in several ways, and the scorers of the house measure
all of them alike: both books, each book alone (the ablation of arXiv 2502.11946, table of
the tokenizer), and both books with a vocoder that is no network. Similarity to the speaker's
reference is lost in the decoder, whichever model speaks in these codes; so it is reported here.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from lauter.datasets.codes import CODES_PER_S
from lauter.pipelines.evaluate import Evaluation
from lauter.pipelines.evaluation_items import Item
from lauter.pipelines.evaluation_report import system_figures
from lauter.pipelines.evaluation_systems import Recorded, Resynthesis, System
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
