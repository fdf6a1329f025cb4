"""What `lauter edit` can be told."""

from dataclasses import dataclass


@dataclass
class EditingSettings:
    """`lauter edit`; how codes are drawn is set in `speaking.…`."""

    source: str | None = None
    """The recording to edit."""
    text: str | None = None
    """What is said in it."""
    request: str | None = None
    """Or an utterance of the corpus to edit, by its request id."""
    edit: str = "joy+1"
    """One step of an emotion, a style or the speed (+1) or one back (-1), as the student learnt."""
    times: int = 1
    """How often it is applied, each time to what came before."""
    out: str = "edited"
    """Folder that the sounds are written to: 1.wav after one pass, 2.wav after two, and so on."""
    device: str = "cpu"
    """Where the student and the codec run, such as cuda."""
