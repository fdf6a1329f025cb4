"""The mark of what a student says: it is a teacher too, and each text said is a request to it."""

from lauter.datasets.audio import Clip, audio_digest
from lauter.datasets.identity import content_id
from lauter.datasets.marking import Marks, Synthetic
from lauter.datasets.records import Prompt, Request


def student_marks(
    name: str, checkpoint: str, prompt: Prompt, seed: int, *, reference: Clip | None = None
) -> Marks:
    """Return the mark of a prompt as the student ``name`` has said it with a seed.

    ``checkpoint`` is the digest of its weights. A voice that was lent by a ``reference`` is another
    voice, so it is part of the identity; nobody has told its licence.
    """
    heard = {"teacher": checkpoint, "reference": reference and audio_digest(reference.encoded)}
    fingerprint = checkpoint if reference is None else content_id("lauter.cloned.v1", heard)
    request = Request(prompt, name, fingerprint, seed).identified()
    return Marks(Synthetic.YES, request.request_id, name, fingerprint, prompt.speaker)
