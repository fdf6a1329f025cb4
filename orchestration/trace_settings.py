"""What `lauter trace` can be told."""

from dataclasses import dataclass


@dataclass
class TraceSettings:
    """`lauter trace FILE`: where a sound file comes from."""

    file: str | None = None
    """The sound; `lauter trace clip.flac` is short for trace.file=clip.flac."""
    within: str = "."
    """Where corpora and exports are looked for: a folder with all below it, or one in a store."""
