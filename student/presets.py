"""The sizes in which a student comes: from one that a laptop trains to the published 3B.

The first three are small because their vocabulary is: the bytes of text, or as many ids as a learnt
tokenizer has; `3b` is the shape of the
released Step-Audio-TTS-3B, tensor for tensor, so that its weights fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lauter.datasets.codes import CODES
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, STEP_AUDIO, Vocabulary

_ROUND: Final = 64
"""A vocabulary is a multiple of it, so that matrices have a good shape."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The shape of a decoder-only transformer.

    ``heads`` query heads of ``head_size`` make up ``hidden_size``; they share ``groups`` heads of
    keys and values. ``context`` is the longest sequence in ids; ``text_size`` is how many ids of
    the vocabulary stand for text and control (the codes of speech come after them). ``dropout``
    acts in training only.
    """

    vocabulary_size: int
    text_size: int
    hidden_size: int
    layers: int
    heads: int
    head_size: int
    groups: int
    ffn_size: int
    context: int
    norm_epsilon: float = 1e-5
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for a shape that no model can have."""
        _ = self.vocabulary
        sizes = (self.hidden_size, self.layers, self.heads, self.groups, self.ffn_size)
        if min(*sizes, self.head_size, self.context) < 1:
            raise UsageError(f"a model of {sizes} cannot be; every size must be 1 or more")
        if self.heads * self.head_size != self.hidden_size:
            raise UsageError(
                f"{self.heads} heads of {self.head_size} do not make up a hidden size of "
                f"{self.hidden_size}; set heads times head_size to hidden_size"
            )
        if self.heads % self.groups:
            raise UsageError(
                f"{self.heads} heads cannot share {self.groups} groups of keys and values evenly; "
                "set groups to a divisor of heads"
            )
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout is {self.dropout}; set a share from 0 to below 1")

    @property
    def vocabulary(self) -> Vocabulary:
        """Which ids are text and which are codes."""
        return Vocabulary(self.text_size, self.vocabulary_size)


def _compact(
    hidden_size: int, layers: int, heads: int, groups: int, ffn_size: int, context: int
) -> ModelConfig:
    return ModelConfig(
        vocabulary_size=COMPACT.size,
        text_size=COMPACT.text_size,
        hidden_size=hidden_size,
        layers=layers,
        heads=heads,
        head_size=hidden_size // heads,
        groups=groups,
        ffn_size=ffn_size,
        context=context,
    )


PRESETS: Final[Mapping[str, ModelConfig]] = MappingProxyType(
    {
        # 2.97 M weights, 1.39 M of them in embedding and head.
        "tiny": _compact(128, 8, 4, 2, 384, 2048),
        # 29.7 M.
        "small": _compact(512, 8, 8, 2, 1536, 4096),
        # 151 M.
        "base": _compact(1024, 12, 16, 4, 2944, 8192),
        # 3.53 B: Step-Audio-TTS-3B.
        "3b": ModelConfig(
            vocabulary_size=STEP_AUDIO.size,
            text_size=STEP_AUDIO.text_size,
            hidden_size=3072,
            layers=32,
            heads=48,
            head_size=64,
            groups=4,
            ffn_size=8192,
            context=32_768,
        ),
    }
)
"""Presets by name."""


def with_text(config: ModelConfig, text_size: int) -> ModelConfig:
    """Return a shape with room for ``text_size`` ids of text: itself, where it has that."""
    if text_size <= config.text_size:
        return config
    size = -(-(text_size + CODES) // _ROUND) * _ROUND
    return replace(config, text_size=text_size, vocabulary_size=size)


def preset(name: str) -> ModelConfig:
    """Return a preset; raises ``UsageError`` for a name that is none."""
    if name not in PRESETS:
        raise UsageError(f"there is no preset '{name}'; choose {', '.join(PRESETS)}")
    return PRESETS[name]
