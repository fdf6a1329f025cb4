"""What the commands of consent ask for, and what a trace found, in words."""

from datetime import UTC, date, datetime
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.errors import UsageError
from lauter.datasets.location import write_whole
from lauter.orchestration.leave import leave_of
from lauter.pipelines.consent_trace import VoiceTrace, trace_voice


def voice_named(settings: DictConfig, command: str) -> str:
    """Return the voice that a command is about; raises ``UsageError`` where none is named."""
    if not settings.consent.voice:
        raise UsageError(f"no voice is named; write `lauter {command} NAME`")
    return str(settings.consent.voice)


def signed_by(settings: DictConfig) -> str:
    """Return who grants or withdraws; raises ``UsageError`` where nobody is named."""
    if not settings.consent.by.strip():
        raise UsageError("the ledger keeps who said it; set consent.by to a name")
    return str(settings.consent.by)


def check_to_come(last: str, voice: str, setting: str) -> None:
    """Raise ``UsageError`` where leave would end on a day (ISO; empty: never) that is past."""
    if last and date.fromisoformat(last) < datetime.now(UTC).date():
        raise UsageError(
            f"the leave for the voice '{voice}' would end on {last}, which is past; "
            f"set {setting} to a day to come"
        )


def traced(settings: DictConfig, voice: str) -> VoiceTrace:
    """Return where a voice went, as the settings say, and write it down."""
    trace = trace_voice(voice, Path(settings.consent.within), leave_of(settings).book)
    write_whole(Path(settings.consent.out), trace.json())
    return trace


def print_trace(console: Console, trace: VoiceTrace, out: str) -> None:
    """Print what was found, a line a place."""
    others = [name for name in trace.speakers if name != trace.voice]
    if others:
        console.print(f"the voice '{trace.voice}' is also heard as {', '.join(others)}")
    for corpus in trace.corpora:
        by_name = ", ".join(f"{name} {count}" for name, count in corpus.speakers.items())
        console.print(
            f"corpus {corpus.path}: {len(corpus.utterances)} utterances"
            f"{f' ({by_name})' if by_name else ''}"
            f"{f', {corpus.erased} of them erased' if corpus.erased else ''}"
        )
        for release in corpus.releases:
            console.print(
                f"release {release.tag} of {corpus.path}: {release.utterances} utterances, "
                f"{release.accepted} accepted"
            )
    for export in trace.exports:
        console.print(
            f"export {export.path}: {len(export.samples)} samples in {', '.join(export.shards)}"
        )
    for student in trace.students:
        why = [f"it has learnt {', '.join(student.speakers)}"] if student.speakers else []
        why += [f"it learnt from {export}" for export in student.exports]
        console.print(f"student {student.path}: {', '.join(why)}")
    if not (trace.corpora or trace.exports or trace.students):
        console.print(f"the voice '{trace.voice}' has touched nothing here")
    for sentence in trace.unreadable:
        console.print(f"not looked into: {sentence}")
    console.print(f"every id stands in {out}")
