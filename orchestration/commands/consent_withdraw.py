"""`lauter consent withdraw`: a voice is used no more; says what it touched, erases it if asked."""

from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.consent import Consent, Event, append, now
from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_erasure import erase_speakers
from lauter.datasets.errors import UsageError
from lauter.orchestration.consent_words import print_trace, signed_by, traced, voice_named
from lauter.orchestration.leave import leave_of, ledger_of, remember_book


def run(settings: DictConfig, console: Console) -> int:
    """Append the withdrawal, then trace the voice; with `consent.erase` take its sound out."""
    given = settings.consent
    voice = voice_named(settings, "consent withdraw")
    ledger = ledger_of(settings)
    if given.uses or given.until:
        raise UsageError(
            "a withdrawal is of everything; to allow less, grant with consent.uses or consent.until"
        )
    by = signed_by(settings)
    if not leave_of(settings).knows(voice):
        traced(settings, voice)  # refuses a name that stands nowhere, before the ledger changes
    append(ledger, Consent(now(), voice, Event.WITHDRAWN, by, note=given.note))
    console.print(f"wrote into {ledger} that the consent for the voice '{voice}' is withdrawn")
    trace = traced(settings, voice)
    print_trace(console, trace, given.out)
    for found in trace.corpora:
        remember_book(settings, Path(found.path))
    if given.erase:
        forbidden = leave_of(settings).forbidden([])
        reason = f"{forbidden[voice]}; its sound was erased"
        for found in trace.corpora:
            corpus = Corpus.open(found.path)
            with corpus.writing() as writer:
                erased, tags = erase_speakers(corpus, writer, trace.speakers, reason)
            lost = f", and with the sound its tags {', '.join(tags)}" if tags else ""
            console.print(f"erased {erased} utterances of {found.path}{lost}")
    if trace.corpora:
        console.print("judge these corpora again, and they leave it out wherever they are read")
    if trace.exports:
        console.print("export again, and delete the exports above: those keep what they hold")
    return 0
