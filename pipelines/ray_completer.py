"""Replicas of a checkpoint on Ray as a completer: GPU actors that batch continuously."""

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from lauter.datasets.errors import LauterError, UsageError
from lauter.pipelines.checkpoint_run import CheckpointRun, sampling_of
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.ray_dispatch import Dispatch, Standing
from lauter.pipelines.ray_replica import Needs
from lauter.student.checkpoint import read_config
from lauter.student.serving.tensor_parallel import check_ranks
from lauter.teacher.step_audio.completion import (
    Completed,
    CompletionError,
    CompletionRequest,
    Identity,
)

T = TypeVar("T")


class RayCompleter:
    """Runs ``replicas`` of the checkpoint in ``folder`` as Ray actors; open it once per worker.

    A replica is split over ``tensor_parallel`` ranks, each an actor that takes ``num_cpus``,
    ``num_gpus`` and ``custom_resources`` of its node; they lie on as few nodes as may be. The
    folder must be there on all of these. ``rows``, ``prefill_ids``, ``device``, ``dtype`` and
    ``sampling`` are as in ``CheckpointRun``, for each replica.

    What a replica had in hand when it died is asked for at another one, ``attempts`` times in all;
    where none is in service for ``unserved_s`` seconds, requests are given up. ``autoscaling``:
    what no node has is waited for, because the cluster adds nodes. ``checkpoint`` is the digest of
    the weights where it is known: else all of them are read for it, once.

    Ray is used as it runs in this process, else joined at ``address``, or started. The replicas are
    started for the first request, so that whoever only plans takes nothing of the cluster; they
    end with ``close``, with this object, or with this process.
    """

    def __init__(
        self,
        folder: str | Path | None,
        *,
        replicas: int = 1,
        tensor_parallel: int = 1,
        rows: int = 32,
        prefill_ids: int = 2048,
        num_cpus: float = 1.0,
        num_gpus: float = 1.0,
        custom_resources: Mapping[str, float] | None = None,
        device: str = "cuda",
        dtype: str = "as_stored",
        sampling: Mapping[str, Any] | None = None,
        checkpoint: str = "",
        attempts: int = 5,
        unserved_s: float = 1800.0,
        autoscaling: bool = False,
        address: str = "local",
    ) -> None:
        """Check the settings; raises ``UsageError`` where one cannot be."""
        if min(replicas, attempts) < 1 or unserved_s <= 0:
            raise UsageError(
                f"{replicas} replicas asked {attempts} times and waited for {unserved_s:g} s make "
                "no sense; set all of them above zero"
            )
        drawing = sampling_of(sampling or {})
        self._run = CheckpointRun(str(folder or ""), rows, prefill_ids, device, dtype, drawing)
        self._needs = Needs(tensor_parallel, num_cpus, num_gpus, dict(custom_resources or {}))
        self._begin = partial(Dispatch, self._run, self._needs, replicas, attempts, unserved_s)
        self._checkpoint = checkpoint
        self._autoscaling = autoscaling
        self._address = address
        self._gate = threading.Lock()
        self._is_closed = False
        self._running: _Running | None = None

    @property
    def sampling(self) -> Mapping[str, Any]:
        """How it draws ids, whole: what was not set is there too."""
        return self._run.sampling_figures

    def identity(self) -> Identity:
        """Say who answers; starts nothing, and reads nothing where ``checkpoint`` is set.

        Raises ``UsageError`` where the folder holds no checkpoint, or one that cannot be split so.
        """
        return self._identity

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completed | CompletionError]:
        """Return, in order, what came of each request. An answer that came is never asked again.

        Raises ``UsageError`` where no node has what a rank needs.
        """
        return self._call(lambda dispatch: dispatch.complete(requests))

    def standings(self) -> tuple[Standing, ...]:
        """Return how each replica is doing, and how long its start took; none before the first."""
        return self._call(lambda dispatch: dispatch.standings()) if self._running else ()

    def close(self) -> None:
        """End all replicas and give their places back; a second time does nothing."""
        with self._gate:
            running, self._running = self._running, None
            self._is_closed = True
        if running:
            running.end()
            running.thread.join()

    def _call(self, work: Callable[[Dispatch], Coroutine[Any, Any, T]]) -> T:
        # Under the lock, so that no call comes to the loop after its end.
        with self._gate:
            if self._is_closed:
                raise LauterError("the completer is closed; open another one")
            if self._running is None:
                self._running = self._started()
            called = asyncio.run_coroutine_threadsafe(
                work(self._running.dispatch), self._running.loop
            )
        try:
            return called.result()
        except CancelledError:
            raise LauterError("the completer was closed before all answers came") from None
        finally:
            # Where the caller is interrupted, nobody waits for the answers any more.
            called.cancel()

    def _started(self) -> "_Running":
        import ray

        if not ray.is_initialized():
            RayEngine(address=self._address).start()
        if not self._autoscaling:
            self._needs.check_room([node["Resources"] for node in ray.nodes() if node["Alive"]])
        opened: Future[_Running] = Future()
        threading.Thread(
            target=lambda begin: asyncio.run(_live(begin, opened)),
            args=(self._begin,),
            name="ray completer",
            daemon=True,
        ).start()
        running = opened.result()
        # Whoever forgets to close it leaves no cards taken while this process goes on.
        weakref.finalize(self, running.end).atexit = False
        return running

    @cached_property
    def _identity(self) -> Identity:
        if not self._checkpoint:
            check_ranks(read_config(Path(self._run.folder)), self._needs.ranks)
        return self._run.identity(self._checkpoint)


@dataclass(frozen=True, slots=True)
class _Running:
    """A thread with an event loop, and what lives in it until ``end`` is called."""

    thread: threading.Thread
    loop: asyncio.AbstractEventLoop
    dispatch: Dispatch
    end: Callable[[], None]


async def _live(begin: Callable[[], Dispatch], opened: "Future[_Running]") -> None:
    loop, is_over = asyncio.get_running_loop(), asyncio.Event()
    dispatch = begin()

    def end() -> None:
        with suppress(RuntimeError):  # it has ended already
            loop.call_soon_threadsafe(is_over.set)

    opened.set_result(_Running(threading.current_thread(), loop, dispatch, end))
    await is_over.wait()
    await dispatch.close()
