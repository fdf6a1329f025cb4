"""`lauter voices add`: take the best stretch of a recording into the speaker book."""

from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.consent import checked_day
from lauter.datasets.errors import UsageError
from lauter.datasets.suggestion import check_known
from lauter.datasets.tags import Dialect
from lauter.orchestration.consent_words import check_to_come
from lauter.pipelines.reference_listener import ReferenceListener
from lauter.pipelines.voice_add import add_voice

_NEEDED = ("book", "recording", "speaker", "dialect", "licence", "consent")
_KEPT = (
    "speaker", "dialect", "dialects", "gender", "licence", "consent", "identity", "owner",
    "allowed_uses", "expires",
)  # fmt: skip


def run(settings: DictConfig, console: Console) -> int:
    """Look at the recording, choose, write, and say what was taken."""
    given = settings.voices
    for name in _NEEDED:
        if not given[name]:
            hint = "; nobody's voice is used without" if name in ("licence", "consent") else ""
            raise UsageError(f"the voice has no {name}; set voices.{name}{hint}")
    check_known(given.dialect, tuple(Dialect), f"'{given.dialect}' is no dialect")
    entry = {
        name: list(given[name]) if name in ("dialects", "allowed_uses") else given[name]
        for name in _KEPT
        if given[name]
    }
    last = checked_day(given.expires, "voices.expires")
    check_to_come(last, given.speaker, "voices.expires")
    book = Path(given.book)
    with console.status("listening"):
        sound, chosen = add_voice(
            book, entry, Path(given.recording), given.text, ReferenceListener()
        )
    stretch, noise = chosen.stretch, chosen.measures.noise_db
    console.print(
        f"took {stretch.start_s:.1f} to {stretch.end_s:.1f} s of {given.recording} into {sound}"
        f"{'' if noise is None else f', {noise:.0f} dB above its noise'}: {chosen.text}"
    )
    console.print(f"wrote the voice '{given.speaker}' into {book}")
    return 0
