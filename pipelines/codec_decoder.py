"""Our codec as the decoder of a teacher's codes, with the timbres of the teacher's voices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lauter.datasets.audio import Clip, Samples
from lauter.datasets.errors import UsageError
from lauter.pipelines.decode import Spoken

if TYPE_CHECKING:
    from lauter.student.codec.codec import Codec, Timbre


@dataclass(frozen=True)
class CodecDecoder:
    """Decodes with the codec of ``codec`` (None: the one that comes with Lauter).

    A voice sounds as one of ``students`` (folders) brings it, or as its recording in ``recordings``
    (paths by speaker) does. ``expected`` are the fingerprints of the codecs whose codes teachers
    speak, where that is known. Models load when they are first needed.
    """

    codec: str | None = None
    students: tuple[str, ...] = ()
    recordings: Mapping[str, str] = field(default_factory=dict)
    expected: frozenset[str] = frozenset()
    device: str = "cpu"

    @property
    def sample_rate(self) -> int:
        """Samples a second, Hz."""
        return self._codec.sample_rate

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the codec."""
        return self._codec.fingerprint

    def decode(self, spoken: Sequence[Spoken]) -> list[Samples]:
        """Return the sound of each, float32 ``[samples]``.

        Raises ``UsageError`` for a voice whose sound is not known.
        """
        timbres = [self._timbre(one.speaker) for one in spoken]
        return self._codec.decode([one.codes for one in spoken], timbres)

    def _timbre(self, speaker: str) -> "Timbre":
        if speaker not in self._timbres:
            path = self.recordings.get(speaker)
            if path is None:
                raise UsageError(
                    f"nothing says how the voice '{speaker}' sounds; give a recording of it with "
                    "its reference, or name a student that brings it"
                )
            clip = Clip(Path(path).read_bytes())
            self._timbres[speaker] = self._codec.timbre(clip.samples, clip.sample_rate)
        return self._timbres[speaker]

    @cached_property
    def _timbres(self) -> "dict[str, Timbre]":
        from lauter.student.checkpoint import read_facts
        from lauter.student.facts import TIMBRES
        from lauter.student.timbres import as_timbre, check_timbres

        timbres = {}
        for folder in self.students:
            facts = read_facts(folder)
            check_timbres(facts, self._codec, f"the student in {folder}")
            for name, stored in facts.get(TIMBRES, {}).items():
                timbres[name] = as_timbre(stored)
        return timbres

    @cached_property
    def _codec(self) -> "Codec":
        from lauter.student.codec.codec import open_codec

        opened = open_codec(self.codec).to(self.device)
        for other in sorted(self.expected - {opened.fingerprint}):
            raise UsageError(
                f"a teacher speaks the codes of the codec {other}, and codec.folder holds "
                f"{opened.fingerprint}; name the folder of its own codec"
            )
        return opened
