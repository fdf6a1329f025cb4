"""A source as a stream of batches: in order, each row once, in as many threads as are wanted."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.imports.recording import Recording, Source, encodable
from lauter.datasets.imports.requests import require_language

Convert = Callable[[Sequence[Recording]], pa.RecordBatch]


def stream(
    source: Source, convert: Convert, *, batch_size: int, threads: int
) -> Iterator[pa.RecordBatch]:
    """Yield what ``convert`` makes of a source's recordings, in the source's order.

    What the source holds twice, by ``request_id``, is given once (the ids given are kept in
    memory: about 150 bytes each). At most ``2 · threads + 1`` batches are held at a time. Raises
    ``UsageError`` where the source is unusable; what stood before that has been yielded by then.
    """
    recordings = map(encodable, source)
    first = next(recordings, None)
    if first is None:
        raise UsageError(f"{source.path} holds no recording; nothing was imported")
    require_language(first, source.origin)
    given: set[str] = set()
    batches = _batched(chain([first], recordings), batch_size)
    for batch in _converted(convert, batches, threads):
        fresh = []
        for request_id in batch["request_id"].to_pylist():
            fresh.append(request_id not in given)
            given.add(request_id)
        if any(fresh):
            yield batch if all(fresh) else batch.filter(pa.array(fresh))


def _batched(recordings: Iterable[Recording], size: int) -> Iterator[list[Recording]]:
    """Yield lists of ``size``; what was read before an error is yielded before it is raised."""
    batch: list[Recording] = []
    try:
        for recording in recordings:
            batch.append(recording)
            if len(batch) == size:
                yield batch
                batch = []
    except UsageError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _converted(
    convert: Convert, batches: Iterator[list[Recording]], threads: int
) -> Iterator[pa.RecordBatch]:
    """Convert batches in order, up to ``threads`` at a time."""
    if threads <= 1:
        yield from map(convert, batches)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="import")
    waiting: deque[Future[pa.RecordBatch]] = deque()
    failure: UsageError | None = None
    try:
        while failure is None:
            try:
                batch = next(batches, None)
            except UsageError as error:
                failure = error
                break
            if batch is None:
                break
            waiting.append(pool.submit(convert, batch))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        if failure is not None:
            raise failure
    finally:
        pool.shutdown(cancel_futures=True)
