"""A voice in a language that it never spoke, in three steps (arXiv 2502.11946, section 5.1.1).

A native speaker whose timbre is near the target's says the text; the codec takes its codes, which
say what is spoken and how; the decoder speaks them with the target's timbre. Codes of that, which
the paper takes next, are those of any speech in a corpus (`lauter codec encode`). The codec's books
keep something of the native voice, so that is chosen by similarity, and the last two steps may be
gone through again: each pass takes away more of it, and more of the words.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lauter.datasets.audio import Clip, Samples
from lauter.datasets.errors import UsageError
from lauter.filters.speaker import Embedding

if TYPE_CHECKING:
    from lauter.student.codec.codec import Codec, Decoding, Timbre


def most_similar(target: Embedding, natives: Mapping[str, Embedding]) -> str:
    """Return the native voice whose embedding has the greatest cosine with the target's.

    Of equals the first by name. Raises ``UsageError`` where there is none to choose from.
    """
    if not natives:
        raise UsageError("no native voice speaks the language; name a teacher with one")
    return max(sorted(natives), key=lambda name: float(target @ natives[name]))


def regenerated(
    codec: "Codec",
    native: Clip,
    timbre: "Timbre",
    *,
    passes: int = 1,
    decoding: "Decoding | None" = None,
) -> Samples:
    """Return native speech as the voice of ``timbre`` says it, decoded ``passes`` times (≥ 1).

    It is float32 ``[samples]`` at the codec's rate. Raises ``UsageError`` for speech that is empty.
    """
    spoken, rate = native.samples, native.sample_rate
    for _ in range(passes):
        codes = codec.encode([spoken], [rate])
        (spoken,), rate = codec.decode(codes, [timbre], decoding=decoding), codec.sample_rate
    return spoken
