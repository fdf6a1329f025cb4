"""`lauter consent trace`: every utterance, shard, student and release that a voice touched."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.orchestration.consent_words import print_trace, traced, voice_named


def run(settings: DictConfig, console: Console) -> int:
    """Look below `consent.within`, print what was found, and write every id."""
    trace = traced(settings, voice_named(settings, "consent trace"))
    print_trace(console, trace, settings.consent.out)
    return 0
