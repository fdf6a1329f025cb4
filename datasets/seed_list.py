"""Lists of texts to be said in given voices, in the form of the SEED-TTS evaluation sets.

A line is ``id|prompt text|prompt wav|target text``, and may end with ``|ground-truth wav``; paths
are relative to the list. A list is read whole before anything is spoken: what is wrong with it is
said at once, with its line, and not after an hour.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError

LEAST_PROMPT_S = 0.5
"""A shorter recording shows no voice."""


@dataclass(frozen=True, slots=True)
class SeedEntry:
    """One line: ``text`` is to be said as ``prompt`` says ``prompt_text``.

    ``ground_truth`` is how a person said the text, where the list has it.
    """

    key: str
    prompt_text: str
    prompt: Clip
    text: str
    ground_truth: Clip | None = None


def read_seed_list(file: str | Path) -> list[SeedEntry]:
    """Return the entries of a list, in its order.

    Raises ``UsageError`` for a list that is not there or empty, and, naming the line, for one that
    has not four or five fields, no id, no text or an id of another line, and for a recording that
    is missing, cannot be read, or has no sound of any length.
    """
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"there is no list at '{file}'; name a file of lines id|text|wav|text")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"the list {path} is not in UTF-8 ({error.reason}); convert it") from error
    entries = [
        _entry(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()
    ]
    if not entries:
        raise UsageError(f"the list {path} has no lines; write some: id|prompt text|wav|text")
    key, times = Counter(entry.key for entry in entries).most_common(1)[0]
    if times > 1:
        raise UsageError(
            f"the list {path} has the id '{key}' {times} times; give each line its own"
        )
    return entries


def _entry(path: Path, number: int, line: str) -> SeedEntry:
    where = f"line {number} of {path}"
    fields = [field.strip() for field in line.split("|")]
    if len(fields) not in (4, 5):
        raise UsageError(
            f"{where} has {len(fields)} fields and not 4 or 5; "
            "write id|prompt text|prompt wav|target text"
        )
    key, prompt_text, prompt, text, *more = fields
    for name, value in (("id", key), ("prompt text", prompt_text), ("target text", text)):
        if not value:
            raise UsageError(f"{where} has no {name}; write id|prompt text|prompt wav|target text")
    ground_truth = _clip(path, where, more[0], "ground truth") if more and more[0] else None
    return SeedEntry(key, prompt_text, _clip(path, where, prompt, "prompt"), text, ground_truth)


def _clip(path: Path, where: str, name: str, role: str) -> Clip:
    file = path.parent / name
    if not name or not file.is_file():
        raise UsageError(f"{where} names the {role} '{name}', which is not beside the list")
    clip = Clip(file.read_bytes())
    try:
        duration_s, loudest = clip.duration_s, float(abs(clip.samples).max())
    except UsageError as error:
        raise UsageError(f"the {role} {file} of {where}: {error}") from error
    if duration_s < LEAST_PROMPT_S or not loudest:
        what = "is silent" if not loudest else f"is only {duration_s:.2f} s long"
        raise UsageError(f"the {role} {file} of {where} {what}; record the voice again")
    return Clip(clip.encoded)  # without its samples, which a list of thousands would hold
