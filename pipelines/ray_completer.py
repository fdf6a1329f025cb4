"""Replicas of a checkpoint on Ray as a completer: GPU actors that batch continuously."""

import threading
import time
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.identity import digest
from lauter.pipelines.checkpoint_run import CheckpointRun, sampling_of
from lauter.pipelines.engines.failures import failure_of
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.ray_dispatch import Dispatch, Standing
from lauter.pipelines.ray_host import find_host, open_host
from lauter.pipelines.ray_replica import Needs
from lauter.student.checkpoint import read_config
from lauter.student.serving.tensor_parallel import check_ranks
from lauter.teacher.step_audio.completion import (
    Completed,
    CompletionError,
    CompletionRequest,
    Identity,
)

_LONGEST_PAUSE_S: Final = 10.0


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
    started for the first request, so that whoever only plans takes nothing of the cluster. All of
    one job that open a completer of the same settings share them (``ray_host.py``); they end with
    whoever opened the first: with its ``close``, with that object, or with its process.
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
        self._attempts = attempts
        self._name = digest("lauter.replicas.v1", repr(self._begin))
        self._gate = threading.Lock()
        self._is_closed = self._is_mine = self._has_answered = False
        self._known: Any | None = None
        self._called: set[Any] = set()

    is_shared_in_a_job = True
    """Whoever opens it in one job of Ray's shares its replicas, and in another job has others."""

    @property
    def sampling(self) -> Mapping[str, Any]:
        """How it draws ids, whole: what was not set is there too."""
        return self._run.sampling_figures

    def identity(self) -> Identity:
        """Say who answers; starts nothing, and reads nothing where ``checkpoint`` is set.

        Raises ``UsageError`` where the folder holds no checkpoint, or one that cannot be split so.
        """
        return self._identity

    def keep(self) -> None:
        """Have the replicas outlive those who ask: they end with ``close`` here, or this process.

        Completers of the same settings in the workers of this job ask these. Nothing is started
        before the first request.
        """
        self._host()

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completed | CompletionError]:
        """Return, in order, what came of each request. An answer that came is never asked again.

        Raises ``UsageError`` where no node has what a rank needs.
        """
        asked = list(requests)
        answers: list[Completed | CompletionError] = self._call(
            lambda host: host.complete.remote(asked)
        )
        return answers

    def standings(self) -> tuple[Standing, ...]:
        """Return how each replica is doing, and how long its start took; none before the first."""
        if self._known is None:
            return ()
        standings: tuple[Standing, ...] = self._call(lambda host: host.standings.remote())
        return standings

    def close(self) -> None:
        """Ask nothing more; where the replicas are this object's, end them and free their places.

        A second time does nothing.
        """
        import ray

        with self._gate:
            host, self._known = self._known, None
            self._is_closed = True
            called = list(self._called)
        if not ray.is_initialized():
            return
        for one in called:
            ray.cancel(one)
        if host is not None and self._is_mine:
            with suppress(ray.exceptions.RayError):  # it is gone already, with all that it had
                ray.get(host.close.remote())
            ray.kill(host)

    def _call(self, work: Callable[[Any], Any]) -> Any:
        """Return what comes of a call; one whose host died is made again."""
        import ray

        failure: Exception | None = None
        for number in range(self._attempts):
            if number:
                time.sleep(min(2.0 ** (number - 1), _LONGEST_PAUSE_S))
            host = self._host()
            called = work(host)
            with self._gate:
                self._called.add(called)
            try:
                answer = ray.get(called)
            except ray.exceptions.RayActorError as error:
                failure = error
                self._lost(host)
            except (CancelledError, ray.exceptions.TaskCancelledError):
                raise LauterError("the completer was closed before all answers came") from None
            except BaseException:
                # Where the caller is interrupted, nobody waits for the answers any more.
                ray.cancel(called)
                raise
            else:
                self._has_answered = True
                return answer
            finally:
                with self._gate:
                    self._called.discard(called)
        assert failure is not None
        raise failure_of(failure, "who looks after the replicas died each time") from failure

    def _lost(self, host: Any) -> None:
        """Look for another host from now on; raises where there is none to be looked for.

        One that was closed, or whose job is at its end, is not opened anew by those who only asked.
        """
        with self._gate:
            if self._is_closed:
                raise LauterError("the completer was closed before all answers came")
            # The handle of one's own host keeps it alive, and Ray starts its process again.
            if self._known is host and not self._is_mine:
                self._known = None
            if self._has_answered and not self._is_mine and find_host(self._name) is None:
                raise LauterError("nobody looks after the replicas any more; run the command again")

    def _host(self) -> Any:
        """Return the handle of who looks after the replicas: the job's, or a new one."""
        import ray

        with self._gate:
            while self._known is None:
                if self._is_closed:
                    raise LauterError("the completer is closed; open another one")
                if not ray.is_initialized():
                    RayEngine(address=self._address).start()
                self._known = find_host(self._name)
                if self._known is None:
                    if not self._autoscaling:
                        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
                        self._needs.check_room(nodes)
                    with suppress(ValueError):  # somebody else was quicker
                        self._known, self._is_mine = open_host(self._name, self._begin), True
            return self._known

    @cached_property
    def _identity(self) -> Identity:
        if not self._checkpoint:
            check_ranks(read_config(Path(self._run.folder)), self._needs.ranks)
        return self._run.identity(self._checkpoint)
