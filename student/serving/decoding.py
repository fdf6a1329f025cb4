"""A thread that turns codes into sound, as many streams together as are waiting."""

import queue
import threading
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Final

from lauter.datasets.audio import Samples
from lauter.datasets.codes import Codes

if TYPE_CHECKING:
    from lauter.student.codec.codec import Codec, Timbre

_Asked = tuple[Codes, "Timbre", "Future[Samples]"]
_TOGETHER: Final = 8


class Decoding:
    """Runs a codec's decoder in a thread of its own, which ends with ``close``."""

    def __init__(self, codec: "Codec") -> None:
        self._codec = codec
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="decoding", daemon=True)
        self._thread.start()

    @property
    def sample_rate(self) -> int:
        """Samples a second, Hz."""
        return self._codec.sample_rate

    @property
    def waiting(self) -> int:
        """How many streams wait."""
        return self._asked.qsize()

    def decode(self, codes: Codes, timbre: "Timbre") -> "Future[Samples]":
        """Return what will be the sound, float32 ``[samples]``; codes are checked there."""
        asked: Future[Samples] = Future()
        self._asked.put((codes, timbre, asked))
        return asked

    def close(self) -> None:
        """Decode what was asked for, and end."""
        self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._asked.get()) is not None:
            together = [first]
            while len(together) < _TOGETHER and not self._asked.empty():
                one = self._asked.get()
                if one is None:
                    self._asked.put(None)
                    break
                together.append(one)
            # Nobody waits any more for what was cancelled.
            self._answer([one for one in together if one[2].set_running_or_notify_cancel()])

    def _answer(self, together: list[_Asked]) -> None:
        if not together:
            return
        try:
            spoken = self._codec.decode([one[0] for one in together], [one[1] for one in together])
        except Exception as error:
            if len(together) == 1:
                together[0][2].set_exception(error)
                return
            for one in together:  # one bad stream takes no other along
                self._answer([one])
            return
        for (_, _, asked), samples in zip(together, spoken, strict=True):
            try:
                asked.set_result(samples)
            except InvalidStateError:
                continue
