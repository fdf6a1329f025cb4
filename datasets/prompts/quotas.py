"""Quotas: how many prompts of each kind, filled from a pool of texts.

A quota names one manner of speaking (emotion and level, style, speed level) and how many prompts
of it each dialect gets. Texts and speakers go round in a seeded order, so that no text comes
again before all have been used, and every speaker gets an equal share.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import Prompt
from lauter.datasets.tags import Dialect, Emotion, Style
from lauter.datasets.voices import Voice


@dataclass(frozen=True, slots=True)
class Quota:
    """``count`` prompts for each dialect, in one manner."""

    count: int
    emotion: str = Emotion.NEUTRAL.value
    emotion_level: int = 0
    style: str = Style.PLAIN.value
    speed_level: int = 0


def fill(
    quotas: Sequence[Quota],
    dialects: Sequence[str],
    speakers_per_dialect: int,
    texts: pa.Table,
    voices: Sequence[Voice],
    seed: int,
) -> pa.Table:
    """Return prompts (``PROMPT_SCHEMA``) that fill every quota for every dialect.

    ``texts`` has the columns of ``TEXT_SCHEMA``. Raises ``UsageError`` where a dialect is unknown
    or has no text. A dialect without a voice is filled all the same: planning refuses it with a
    sentence, and nothing is dropped in silence.
    """
    prompts: list[Prompt] = []
    for dialect in dialects:
        if dialect not in {known.value for known in Dialect}:
            raise UsageError(
                f"there is no dialect '{dialect}'; choose from "
                f"{', '.join(known.value for known in Dialect)}"
            )
        language = Dialect(dialect).language.value
        pool = [row for row in texts.to_pylist() if row["language"] == language]
        if not pool:
            raise UsageError(
                f"there is no text in '{language}' for the dialect {dialect}; "
                "add some, or take the dialect out of quotas.dialects"
            )
        chance = random.Random(f"{seed}/{dialect}")
        chance.shuffle(pool)
        speakers = sorted({voice.speaker for voice in voices if voice.dialect == dialect}) or [""]
        chance.shuffle(speakers)
        speakers = speakers[:speakers_per_dialect]
        manners = [quota for quota in quotas for _ in range(quota.count)]
        for number, manner in enumerate(manners):
            row = pool[number % len(pool)]
            prompts.append(
                Prompt(
                    row["text"],
                    language,
                    dialect,
                    manner.emotion,
                    manner.emotion_level,
                    manner.style,
                    manner.speed_level,
                    speakers[number % len(speakers)],
                    row["text_source"],
                    row["text_licence"],
                )
            )
    return table_from_prompts(prompts)
