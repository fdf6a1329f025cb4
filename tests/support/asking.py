"""The command as a user meets it: words in, an exit code, two streams and files out."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TEXTS = {
    "en": (
        "Good morning.",
        "See you soon.",
        "The lighthouse keeper counted every ship that passed the island before the winter came.",
    ),
    "ja": (
        "おはようございます。",
        "またあとで。",
        "灯台の人は冬が来る前に島のそばを通った船を一つずつ数えていました。",
    ),
}
PICKY = """
name: picky
gates:
  - {gate: brevity, score: duration_s, at_most: 2.5, reason: only short sentences are wanted}
  - {gate: level, score: energy_db, between: [-60.0, 0.0], reason: silence is no speech}
"""


@dataclass(frozen=True)
class Answer:
    """What the command said."""

    code: int
    out: str
    err: str


Ask = Callable[..., Answer]


def settings_in(folder: Path) -> list[str]:
    """Settings of a synthesis of six requests that takes seconds; its files are in ``folder``."""
    lines = [{"text": text, "language": code} for code, texts in TEXTS.items() for text in texts]
    texts = write_lines(folder / "texts.jsonl", lines)
    (folder / "picky.yaml").write_text(PICKY)
    return [
        f"corpus={folder / 'corpus'}",
        "teacher=fast",
        "filters=fast",
        "prompts=file",
        f"prompts.path={texts}",
        f"policy.path={folder / 'picky.yaml'}",
        "quotas.dialects=[en-US,ja-JP]",
        "quotas.manners=[{count: 2},{count: 1, emotion: joy, emotion_level: 2}]",
        "engine.workers=0",
    ]


def write_lines(file: Path, lines: list[dict[str, object]]) -> Path:
    """Write JSON lines."""
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return file
