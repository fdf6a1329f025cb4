"""The studio's speakers: who they are by name alone, and the style packs that make them sound.

Kokoro names its voices by language and gender: ``af_heart`` is an American (a) woman (f). A pack
is float32 ``[510, 256]``: row n is the style of an utterance of n + 1 phonemes. The weighted mean
of two packs is a voice that neither of them is; such blends make more speakers from few.

Where only the five Japanese packs of the PyPI carrier are there, they serve every dialect, as
voices of their own that share an identity with the Japanese one.
"""

import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Dialect
from lauter.datasets.voices import Voice

LICENCE = "Apache-2.0"
CONSENT = "synthetic voice published by hexgrad under Apache-2.0"
BLEND_CONSENT = "weighted mean of two synthetic voices published by hexgrad under Apache-2.0"

Pack = NDArray[np.float32]
"""Styles of one speaker, float32 ``[510, 256]``."""

_DIALECTS = {
    "a": Dialect.EN_US,
    "b": Dialect.EN_GB,
    "z": Dialect.MANDARIN,
    "j": Dialect.JAPANESE,
}
_GENDERS = {"f": "female", "m": "male"}
_ARCHIVE_FOLDER = "package/voices/"


@dataclass(frozen=True, slots=True)
class Blend:
    """A speaker between two others: ``weight`` of the first pack, the rest of the second."""

    first: str
    second: str
    weight: float = 0.5

    @property
    def speaker(self) -> str:
        """The name; it holds all that decides the sound."""
        share = "" if self.weight == 0.5 else f"_{round(self.weight * 100)}"
        return f"blend_{self.first}_{self.second}{share}"


DEFAULT_BLENDS = (
    Blend("af_heart", "af_bella"),
    Blend("am_michael", "am_fenrir"),
    Blend("bf_emma", "bf_isabella"),
    Blend("bm_george", "bm_fable"),
    Blend("zf_xiaobei", "zf_xiaoxiao"),
    Blend("zm_yunxi", "zm_yunyang"),
    Blend("jf_alpha", "jf_tebukuro"),
    Blend("jf_gongitsune", "jm_kumo"),
)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice and the packs whose weighted sum it is."""

    voice: Voice
    packs: tuple[tuple[str, float], ...]


def speakers(
    source: Path, chosen: Sequence[str] | None = None, blends: Sequence[Blend] | None = None
) -> dict[str, Speaker]:
    """Return the speakers of the packs in ``source`` (an archive or an npz), by name.

    ``chosen`` names those wanted beside the ``blends`` (None: all); ``blends`` None: the default
    ones whose packs are there, where all are wanted. Raises ``UsageError`` for a speaker or
    a blend that the packs do not give.
    """
    names = pack_names(source)
    asked = [blend.speaker for blend in blends or ()]
    if twice := [name for name, count in Counter(asked).items() if count > 1]:
        raise UsageError(f"the blend '{twice[0]}' is listed twice; list it once")
    found = [_native(name) for name in names if name[0] in _DIALECTS]
    if blends is None:
        blends = [b for b in DEFAULT_BLENDS if b.first in names and b.second in names]
    found += [_blended(blend, names) for blend in blends]
    spoken = {speaker.voice.dialect for speaker in found}
    found += [
        _guest(speaker, dialect)
        for dialect in _DIALECTS.values()
        if dialect not in spoken
        for speaker in list(found)
        if speaker.voice.dialect in spoken
    ]
    every = {speaker.voice.speaker: speaker for speaker in found}
    if chosen is None:
        return every
    missing = [name for name in chosen if name not in every]
    if missing:
        raise UsageError(
            f"the teacher 'studio' has no speaker '{missing[0]}'; it has {', '.join(every)}"
        )
    return {name: every[name] for name in dict.fromkeys([*chosen, *asked])}


@cache
def pack_names(source: Path) -> tuple[str, ...]:
    """Return the names of the packs in ``source``, sorted."""
    if source.suffix == ".npz":
        with np.load(source) as packs:
            return tuple(sorted(packs.files))
    with tarfile.open(source) as archive:
        members = (Path(member) for member in archive.getnames())
        return tuple(sorted(m.stem for m in members if f"{m.parent}/" == _ARCHIVE_FOLDER))


def read_packs(source: Path, names: Sequence[str]) -> Mapping[str, Pack]:
    """Return the packs called ``names``."""
    if source.suffix == ".npz":
        with np.load(source) as packs:
            return {name: packs[name].astype(np.float32).reshape(-1, 256) for name in names}
    read = {}
    with tarfile.open(source) as archive:
        for name in names:
            member = archive.extractfile(f"{_ARCHIVE_FOLDER}{name}.bin")
            assert member is not None
            read[name] = np.frombuffer(member.read(), dtype="<f4").reshape(-1, 256)
    return read


def pack_of(speaker: Speaker, packs: Mapping[str, Pack]) -> Pack:
    """Return the style pack of a speaker from the packs that it names."""
    blended = sum(
        (packs[name] * np.float32(weight) for name, weight in speaker.packs),
        start=np.zeros((1, 1), dtype=np.float32),
    )
    return np.ascontiguousarray(blended, dtype=np.float32)


def _native(name: str) -> Speaker:
    dialect, gender = _DIALECTS[name[0]], _GENDERS[name[1]]
    voice = Voice(name, dialect.value, gender, LICENCE, CONSENT, identity=name)
    return Speaker(voice, ((name, 1.0),))


def _blended(blend: Blend, names: Sequence[str]) -> Speaker:
    for name in (blend.first, blend.second):
        if name not in names:
            raise UsageError(
                f"the blend '{blend.speaker}' wants the voice '{name}', which is not among "
                f"{', '.join(names)}; choose two of them"
            )
    first, second = blend.first, blend.second
    if first[0] != second[0] or first[0] not in _DIALECTS:
        raise UsageError(
            f"the blend '{blend.speaker}' joins voices of two dialects; choose two of one"
        )
    if not 0 < blend.weight < 1 or round(blend.weight, 2) != blend.weight:
        raise UsageError(
            f"the blend of '{first}' and '{second}' has the weight {blend.weight:g}; "
            "choose a whole per cent between 0 and 1, such as 0.3"
        )
    gender = _GENDERS[first[1]] if first[1] == second[1] else "unknown"
    voice = Voice(
        blend.speaker,
        _DIALECTS[first[0]].value,
        gender,
        LICENCE,
        BLEND_CONSENT,
        identity=blend.speaker,
        made_of=(first, second),
    )
    return Speaker(voice, ((first, blend.weight), (second, 1 - blend.weight)))


def _guest(speaker: Speaker, dialect: Dialect) -> Speaker:
    """Return ``speaker`` as heard in a dialect that has no voice of its own."""
    home = speaker.voice
    voice = Voice(
        f"{home.speaker}_{dialect.value}",
        dialect.value,
        home.gender,
        home.licence,
        home.consent,
        home.identity,
        made_of=home.made_of,
    )
    return Speaker(voice, speaker.packs)
