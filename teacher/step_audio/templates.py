"""Wordings of prompts: read from a file of templates and checked before the first request.

A file maps names to texts; ``{place}`` is where something is filled in, ``{{`` and ``}}`` are
braces. Ours lie in ``wordings/``, one for each layout, and say what its places are. An operator's
file replaces ours key by key: the published wording, a translation.

What is filled in is never read for places again, so a text with braces in it is only a text.
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lauter.datasets.codes import Codes
from lauter.datasets.errors import UsageError
from lauter.datasets.suggestion import check_known

Filling = str | Codes
"""What stands in a place: text, or speech."""

_FOLDER: Final = Path(__file__).parent / "wordings"

PLACES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "tts_3b": dict.fromkeys(("system", "rap", "sung"), ("speaker",)),
    "editx_clone": {"system": ("speaker", "reference_text", "reference_codes")},
    "editx_edit": {
        "system": (),
        "human": ("instruction", "codes"),
        **dict.fromkeys(("emotion", "style", "speed"), ("value", "text")),
    },
    "aqaa": {
        "system": ("speaker",),
        "human": ("text", "dialect", "emotion", "pace"),
        **dict.fromkeys(("en-US", "en-GB", "cmn", "yue", "sichuan", "ja-JP"), ()),
        **dict.fromkeys(("neutral", "joy", "sadness", "anger", "even", "fast", "slow"), ()),
    },
    "continuation": {"system": ("speaker",), "human": ("reference_text", "text")},
    "student": dict.fromkeys(("named", "shown"), ("speaker",)),
}
"""Of each layout the wordings, and what each has places for."""
_OPTIONAL: Final = ("speaker", "dialect", "emotion", "pace")
"""Every other place has to be there: without it nothing would be asked for."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A text with places: pieces of text, each with the place behind it (the last has none)."""

    pieces: tuple[tuple[str, str | None], ...]

    def filled(self, **fillings: Filling) -> list[Filling]:
        """Return text and speech in their order; text that meets is one."""
        parts: list[Filling] = [""]
        for text, place in self.pieces:
            for part in (text, fillings[place] if place else ""):
                before = parts[-1]
                if isinstance(part, str) and isinstance(before, str):
                    parts[-1] = before + part
                else:
                    parts.append(part)
        return parts

    def text(self, **fillings: str) -> str:
        """Return a wording that has no place for speech, filled in."""
        return "".join(str(part) for part in self.filled(**fillings))


@dataclass(frozen=True, slots=True)
class Wordings:
    """The wordings of one layout, and the texts that they were read from (for fingerprints)."""

    layout: str
    texts: Mapping[str, str]
    wordings: Mapping[str, Wording]

    def __getitem__(self, name: str) -> Wording:
        return self.wordings[name]


def read_wordings(layout: str, path: Path | None = None) -> Wordings:
    """Return the wordings of ``layout``: ours, replaced by those of the file at ``path``.

    Raises ``UsageError`` for an unknown layout, and for a file that is none of its templates.
    """
    check_known(layout, PLACES, f"there is no layout '{layout}'")
    ours = _FOLDER / f"{layout}.yaml"
    texts = _read(ours)
    return parse_wordings(layout, texts | (_read(path) if path else {}), str(path or ours))


def parse_wordings(layout: str, texts: Mapping[str, Any], source: str) -> Wordings:
    """Return the wordings of ``layout`` in ``texts``; errors call them by ``source``.

    Raises ``UsageError`` for a key or a place that the layout has not, for a place that is missing
    without which nothing would be asked for, and for what is no text.
    """
    wordings = {}
    for name, text in texts.items():
        check_known(name, PLACES[layout], f"{source}: the layout {layout} has no text '{name}'")
        if not isinstance(text, str):
            raise UsageError(f"{source}: '{name}' is no text; put it in quotation marks")
        wordings[name] = _parsed(text, PLACES[layout][name], f"{source}: '{name}'")
    return Wordings(layout, dict(texts), wordings)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} is no YAML in UTF-8 ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} should map names to texts; write lines such as 'system: …'")
    return content


def _parsed(text: str, known: tuple[str, ...], name: str) -> Wording:
    try:
        found = list(string.Formatter().parse(text))
    except ValueError as error:
        raise UsageError(
            f"{name} has a brace too many or too few ({error}); double one that is no place"
        ) from error
    for _, place, form, conversion in found:
        if place is not None:
            check_known(place, known, f"{name} has no place {{{place}}}")
        if form or conversion:
            raise UsageError(f"{name} has more than a name in {{{place}}}; leave the name")
    places = [place for _, place, _, _ in found]
    for place in known:
        if place not in _OPTIONAL and place not in places:
            raise UsageError(f"{name} does not say where {{{place}}} stands; write it in")
    return Wording(tuple((before, place) for before, place, _, _ in found))
