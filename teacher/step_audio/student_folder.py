"""What a student's folder says of how it is to be asked: its small files, without its weights."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import Vocabulary
from lauter.datasets.pair_tokenizer import PairTokenizer
from lauter.datasets.tags import MAX_LEVEL, Emotion
from lauter.datasets.text_tokens import ByteTokenizer, TextTokenizer
from lauter.datasets.voices import Voice
from lauter.teacher.protocol import Capabilities

_CONFIG = "config.json"
_FACTS = "student.json"
_TOKENIZER = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class StudentFolder:
    """How a student reads, what ids it knows, and what it has learnt."""

    folder: Path
    tokenizer: TextTokenizer
    vocabulary: Vocabulary
    context: int
    facts: dict[str, Any]

    @property
    def codec_fingerprint(self) -> str:
        """Whose codes it speaks."""
        return str(self.facts.get("codec_fingerprint", ""))

    def capabilities(self, *, logits: bool, shown: Sequence[Voice] = ()) -> Capabilities:
        """Return what it can be asked for: the voices and the cells that it has learnt from.

        ``shown`` are voices that it is to go on from recordings of. Raises ``UsageError`` where it
        has not learnt to, and where one bears a name, or speaks a dialect, that it cannot.
        """
        cells = self.facts.get("cells", [])
        dialects = list(dict.fromkeys(cell["dialect"] for cell in cells))
        emotions = sorted({cell["emotion"] for cell in cells} | {Emotion.NEUTRAL.value})
        self._check_shown(shown, dialects)
        return Capabilities(
            voices=tuple(
                self._voice(speaker, dialect)
                for speaker in self.facts.get("timbres", {})
                for dialect in dialects
            )
            + tuple(shown),
            emotion_levels={
                emotion: 0 if emotion == Emotion.NEUTRAL else MAX_LEVEL for emotion in emotions
            },
            cloning=bool(shown),
            codes=True,
            logits=logits,
            sampled=True,
        )

    def _voice(self, speaker: str, dialect: str) -> Voice:
        consent = f"learnt by the student in {self.folder} from speech that its record names"
        person = self.facts.get("people", {}).get(speaker, {})
        return Voice(
            speaker, dialect, "unknown", "NOASSERTION", consent, person.get("identity", ""),
            made_of=tuple(person.get("made_of", ())),
        )  # fmt: skip

    def _check_shown(self, shown: Sequence[Voice], dialects: Sequence[str]) -> None:
        if shown and not self.facts.get("reference_turns"):
            raise UsageError(
                f"the student in {self.folder} has not learnt to go on from recordings; leave "
                "teacher.voices out, or name a student that was distilled with "
                "distill.batches.reference_share above 0"
            )
        for voice in shown:
            if voice.speaker in self.facts.get("timbres", {}):
                raise UsageError(
                    f"'{voice.speaker}' is a voice that the student in {self.folder} has learnt; "
                    "give the recording another name in the file of voices"
                )
            if voice.dialect not in dialects:
                raise UsageError(
                    f"the voice '{voice.speaker}' speaks {voice.dialect}, and the student in "
                    f"{self.folder} has learnt {', '.join(dialects) or 'no dialect'}; take it out "
                    "of the file of voices"
                )


def read_student_folder(folder: Path) -> StudentFolder:
    """Return what lies in a student's folder; raises ``UsageError`` where it is none."""
    read = {}
    for name in (_CONFIG, _FACTS):
        try:
            read[name] = json.loads((folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(
                f"{folder} is no student that `lauter distill` wrote: it has no {name}; "
                "name the folder with its weights, or a copy of its small files"
            ) from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder / name} cannot be read ({error}); copy it again") from error
    try:
        config = read[_CONFIG]
        vocabulary = Vocabulary(int(config["text_size"]), int(config["vocab_size"]))
        context = int(config["max_seq_len"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{folder / _CONFIG} is damaged ({error}); copy it again") from error
    learnt = folder / _TOKENIZER
    tokenizer: TextTokenizer = PairTokenizer.read(learnt) if learnt.exists() else ByteTokenizer()
    if read[_FACTS].get("tokenizer_fingerprint") != tokenizer.fingerprint():
        raise UsageError(
            f"the student in {folder} has learnt with another tokenizer than lies beside it; "
            f"copy its whole folder again, {_TOKENIZER} too"
        )
    return StudentFolder(folder, tokenizer, vocabulary, context, read[_FACTS])
