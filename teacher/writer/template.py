"""The templates that ask a model to write: our own, one versioned file for each language.

A file says how to write each dialect, emotion, level, genre and register, and puts these together;
places such as ``{count}`` are filled in. Its digest stands in every text that came of it, so that a
changed wording is another source. What is filled in is never read for places again.
"""

import functools
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.tags import MAX_LEVEL, Dialect, Emotion, Language
from lauter.teacher.writer.task import REGISTERS, Ask, Genre, Lengths, Topic, WritingTask

_FOLDER: Final = Path(__file__).parent / "templates"
_DOMAIN: Final = "lauter.writer.template.v1"
_PLACES: Final[Mapping[str, frozenset[str]]] = {
    "system": frozenset({"language"}),
    "ask": frozenset(
        {"count", "language", "emotion", "genre", "topic", "register", "least", "most", "seed"}
    ),
    "again": frozenset({"count", "complaints", "written"}),
}


@dataclass(frozen=True, slots=True)
class Template:
    """One language's wordings, checked; ``digest`` is of their content."""

    texts: Mapping[str, Any]
    digest: str

    def messages(self, ask: Ask, lengths: Lengths) -> list[dict[str, str]]:
        """Return what a model is told: the system's part, the task, and what was wrong before."""
        task = ask.task
        written = "\n".join(f"- {text}" for text in ask.written)
        fillings = {
            "count": str(task.count),
            "language": self._language(task),
            "emotion": self._emotion(task),
            "genre": self.texts["genres"][task.kind.genre],
            "topic": self.texts["topics"][task.kind.topic],
            "register": self.texts["registers"].get(task.kind.register, ""),
            "least": str(lengths.least),
            "most": str(lengths.most),
            "seed": task.seed.text,
        }
        said = _tidy(self.texts["ask"].format_map(fillings))
        if ask.attempt:
            complaints = "\n".join(f"- {one}" for one in ask.complaints)
            again = {"count": str(ask.count), "complaints": complaints, "written": written or "-"}
            said += "\n\n" + _tidy(self.texts["again"].format_map(again))
        return [
            {"role": "system", "content": _tidy(self.texts["system"].format_map(fillings))},
            {"role": "user", "content": said},
        ]

    def _language(self, task: WritingTask) -> str:
        return str(self.texts["dialects"][task.wanted.dialect or "any"])

    def _emotion(self, task: WritingTask) -> str:
        wanted = task.wanted
        emotion = self.texts["emotions"][wanted.emotion]
        if wanted.emotion == Emotion.NEUTRAL:
            return str(emotion)
        return f"{emotion} {self.texts['levels'][wanted.level]}"


def _tidy(text: str) -> str:
    """Return a text without the lines that an empty filling left blank."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines() if line.strip())


@functools.cache
def open_template(language: Language) -> Template:
    """Return the template of a language; raises ``UsageError`` where it has none."""
    file = _FOLDER / f"{language.value}.yaml"
    if not file.exists():
        there = ", ".join(sorted(path.stem for path in _FOLDER.glob("*.yaml")))
        raise UsageError(f"there is no template for texts in '{language}'; there are {there}")
    return parse_template(language, yaml.safe_load(file.read_text(encoding="utf-8")), file.name)


def parse_template(language: Language, texts: Any, source: str) -> Template:
    """Return a checked template; raises ``UsageError`` that names what is missing or too much."""
    if not isinstance(texts, dict):
        raise UsageError(f"{source} should map names to texts; write lines such as 'system: …'")
    for name, places in _PLACES.items():
        if not isinstance(texts.get(name), str):
            raise UsageError(f"{source} has no text '{name}'; write it")
        used = {place for _, place, _, _ in string.Formatter().parse(texts[name]) if place}
        if unknown := used - places:
            raise UsageError(
                f"{source}: '{name}' has no place {{{sorted(unknown)[0]}}}; "
                f"it has {', '.join(sorted(places))}"
            )
    dialects = [dialect.value for dialect in Dialect if dialect.language == language]
    wanted: dict[str, list[Any]] = {
        "dialects": ["any", *dialects],
        "emotions": list(Emotion),
        "levels": list(range(MAX_LEVEL + 1)),
        "genres": list(Genre),
        "topics": list(Topic),
        "registers": list(REGISTERS.get(language, ())),
    }
    for name, keys in wanted.items():
        there = texts.get(name) or {}
        for key in keys:
            if (key.value if hasattr(key, "value") else key) not in there:
                raise UsageError(f"{source} has no {name}: {key}; write it")
    return Template(texts, content_id(_DOMAIN, {"texts": _with_text_keys(texts)}))


def _with_text_keys(value: Any) -> Any:
    # JSON's names are texts, and the levels are numbers.
    if isinstance(value, dict):
        return {str(name): _with_text_keys(inner) for name, inner in value.items()}
    return value
