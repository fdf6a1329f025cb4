"""Settings of the speaker book and of its ledger of consents."""

from dataclasses import dataclass, field


@dataclass
class VoicesSettings:
    """The speaker book, and `lauter voices add`, which writes into it."""

    book: str | None = None
    """File of voices (.jsonl or .yaml), with their ledger consents.jsonl beside it; null: each
    voice may be used for what it says of itself, and nothing was withdrawn."""
    recording: str | None = None
    """The recording that `voices add` takes the best stretch of."""
    text: str | None = None
    """What is said in it; null: what the recogniser hears."""
    speaker: str | None = None
    """Name of the new voice."""
    dialect: str | None = None
    """What it speaks in the recording, such as en-GB."""
    dialects: list[str] = field(default_factory=list)
    """What it may be asked to speak beside that."""
    gender: str = "unknown"
    """female, male or unknown."""
    licence: str | None = None
    """SPDX id of the recording's licence."""
    consent: str | None = None
    """Who agreed, when, and to what."""
    identity: str | None = None
    """Who it is, shared by all voices of one person; null: the speaker's name."""
    owner: str = ""
    """Who has the say over the voice."""
    allowed_uses: list[str] = field(default_factory=list)
    """research, internal, commercial; none: what the licence allows."""
    expires: str = ""
    """The last day of the leave, as 2027-12-31."""


@dataclass
class ConsentSettings:
    """`lauter consent trace`, `grant` and `withdraw`; a bare word after these is the voice."""

    voice: str | None = None
    """The voice, by name."""
    within: str = "."
    """Folder below which corpora, exports and students are looked for."""
    out: str = "consent-trace.json"
    """Where the trace is written, with every id."""
    by: str = ""
    """Who grants or withdraws; the ledger wants a name."""
    uses: list[str] = field(default_factory=list)
    """What is granted; none: what the book says."""
    until: str = ""
    """The last day of the grant, as 2027-12-31; empty: what the book says."""
    note: str = ""
    """Anything more that the ledger should keep."""
    erase: bool = False
    """With `withdraw`: take the voice's audio, codes and figures out of the corpora for good."""
