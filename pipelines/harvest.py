"""Harvesting songs: the peer of taking in, where the sound is a line of a song.

song → separate → find the voice → move the lyrics → cut by line → measure against the song. What
needs the whole song is measured here (how much voice there is over the rest, whether it is the
song's voice, the key); what needs the line alone is left to scorers, and the policy judges all of
it. So a line is never dropped on the way: one that nobody sings is a row with its audio and a
figure that fails a gate. A worker separates a song once for all of its lines that it is given; ids
come from the song's own bytes, the times of all of its lyrics (where one line is cut hangs on the
others too), its notes and its beat: correct one, and the song's lines are new ones. So nothing is
separated to see what is new.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa

from lauter.datasets.identity import content_id
from lauter.datasets.imports import IMPORTED_SPEECH_SCHEMA
from lauter.datasets.imports.recording import Origin, Recording, recording_from
from lauter.datasets.imports.songs import Songs
from lauter.datasets.tags import Style
from lauter.filters.separation.protocol import Separator
from lauter.pipelines.song_listening import SAMPLE_RATE, SONG_FIELDS, Listener, harvested_by
from lauter.pipelines.stage import BatchFunction, Resources


@dataclass(frozen=True, slots=True)
class HarvestOrigin(Origin):
    """An origin whose speech depends on who took it out of songs, and how."""

    harvested_by: str = ""

    def fingerprint(self) -> str:
        """Return the digest of the origin and of who harvested it: other voices, other ids."""
        content = {"origin": Origin.fingerprint(self), "harvested_by": self.harvested_by}
        return content_id("lauter.harvest-origin.v1", content)


@dataclass(frozen=True)
class HarvestedSongs:
    """The lines of songs, and what takes the voice out of them."""

    songs: Songs
    separator: Callable[[], Separator]

    @property
    def path(self) -> str:
        """The folder of songs."""
        return self.songs.path

    @property
    def origin(self) -> Origin:
        """What holds for all songs."""
        return self.songs.origin

    def __iter__(self) -> Iterator[Recording]:
        return iter(self.songs)

    def taking_in(self, resources: Resources) -> "Harvest":
        """Return the stage that fetches what this source's recordings describe.

        The separator hears a moment of silence first: raises ``UsageError`` where its model is
        missing or is none, before a song is read.
        """
        self.separator().voice(np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE)
        return Harvest(self.separator, self.origin, resources)


def harvested_songs(
    separator: Callable[[], Separator],
    path: str,
    origin: Origin,
    encoding: str = "utf-8",
    style: str = Style.SUNG.value,
) -> HarvestedSongs:
    """Return the songs in the folder ``path`` as a source; see ``Songs`` for what it reads."""
    by = harvested_by(separator())
    harvest_origin = HarvestOrigin(**asdict(origin), harvested_by=by)
    return HarvestedSongs(Songs(path, harvest_origin, encoding, style), separator)


@dataclass(frozen=True)
class Harvest:
    """Adds ``IMPORTED_SPEECH_SCHEMA`` and ``SONG_FIELDS`` to planned lines of songs."""

    separator: Callable[[], Separator]
    origin: Origin
    resources: Resources = field(default_factory=lambda: Resources(batch_size=64))
    name: str = "harvest"

    @property
    def reads(self) -> Sequence[str]:
        """Where the line lies."""
        return ("recording",)

    @property
    def adds(self) -> pa.Schema:
        """Audio, or the error that came instead, and what was measured within the song."""
        return pa.schema([*IMPORTED_SPEECH_SCHEMA, *SONG_FIELDS])

    def open(self) -> BatchFunction:
        """Return the function that harvests batches; models load with the first song."""
        listener = Listener(self.separator())
        schema = self.adds

        def harvest(batch: pa.RecordBatch) -> pa.RecordBatch:
            recordings = map(recording_from, batch["recording"].to_pylist())
            rows = [listener.row(recording, self.origin) for recording in recordings]
            added = pa.RecordBatch.from_pylist(rows, schema=schema)
            return pa.RecordBatch.from_arrays(
                [*batch.columns, *added.columns], schema=pa.schema([*batch.schema, *schema])
            )

        return harvest
