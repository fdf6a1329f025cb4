"""The Ray engine: a Ray Data pipeline with a pool of workers for each stage.

Made for clusters: each stage's pool has its own CPUs, GPUs and resources that nodes declare, and
grows with the batches that wait for it; Ray streams batches between pools with back-pressure,
starts workers anew and asks again for what was lost with a node. Rows come back to the driver, the
only writer of the corpus, so lost workers can neither lose nor double a row.
"""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from lauter.datasets.errors import LauterError, UsageError
from lauter.pipelines.dead_letters import dead_letters
from lauter.pipelines.engines.failures import failure_of
from lauter.pipelines.engines.placement import Amounts, check_placement
from lauter.pipelines.engines.ray_actors import (
    FAILURE,
    CrashLedger,
    StageWorker,
    sound_and_failed,
)
from lauter.pipelines.stage import Pipeline, Stage

MAX_DEATHS_AT_START = 3
"""How many workers of a pool may die one after the other while they load their models."""

_NOT_TOLD = r"retries remaining, so the task will|Raylet is terminated"
_OF_A_LOCAL_RAY = ("num_cpus", "temporary_folder", "object_store_bytes", "spill_folder")


@dataclass(frozen=True)
class RayEngine:
    """Runs pipelines on Ray; a Ray that already runs in this process is used as it is.

    ``address`` is as in ``ray.init``. ``local`` starts a Ray here, which ends with this process:
    with ``num_cpus`` logical CPUs (two more than the machine has where not given), an object
    store of ``object_store_bytes`` and a ``spill_folder`` for what does not fit, which is let
    alone once its disk is full to the share ``spill_until``. Elsewhere these are the nodes' own.

    ``in_flight_bytes`` bounds what all stages together may have finished and not yet handed on;
    without it half of the cluster's object store. ``autoscaling``: what no node has is waited for,
    because the cluster adds nodes. A run in which nothing moves for ``stalled_s`` seconds ends.
    """

    address: str = "local"
    num_cpus: int | None = None
    temporary_folder: str | None = None
    object_store_bytes: int | None = None
    spill_folder: str | None = None
    spill_until: float = 0.95
    in_flight_bytes: int | None = None
    autoscaling: bool = False
    stalled_s: float = 1800.0
    name: str = "ray"

    def __post_init__(self) -> None:
        given = [name for name in _OF_A_LOCAL_RAY if getattr(self, name) is not None]
        if self.address != "local" and given:
            raise UsageError(
                f"engine.{given[0]} is for a Ray that starts here, and engine.address is "
                f"{self.address}: set it where the cluster's nodes are started, and leave it out"
            )

    def run(self, pipeline: Pipeline, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        """Yield finished batches; see ``Engine.run``."""

        self.start()
        if not self.autoscaling:
            check_placement(pipeline.stages, _nodes(), local=self.address == "local")
        return self._stream(pipeline, rows)

    def start(self) -> None:
        """Start or join Ray as the engine is configured, where this process has none yet."""
        # Ray prints each retry with its traceback, and of a node that is lost the inner state; what
        # ends a run is raised as well. Read when Ray is imported.
        os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", _NOT_TOLD)
        import ray

        if ray.is_initialized():
            return
        options: dict[str, Any] = {"address": self.address, "log_to_driver": False}
        if self.address == "local":
            options |= {
                "num_cpus": self.num_cpus or (os.cpu_count() or 1) + 2,
                "include_dashboard": False,
                "_system_config": {"local_fs_capacity_threshold": self.spill_until},
            }
            if self.temporary_folder:
                options["_temp_dir"] = self.temporary_folder
            if self.object_store_bytes:
                options["object_store_memory"] = self.object_store_bytes
            if self.spill_folder:
                Path(self.spill_folder).mkdir(parents=True, exist_ok=True)
                options["object_spilling_directory"] = str(Path(self.spill_folder).resolve())
        # Ray puts the folder it is started from on its workers' module path. Started from this
        # repository, `import datasets` inside other libraries would then find our room in place
        # of Hugging Face's package: so Ray starts from an empty folder, and its workers come back
        # where there is one of this name on their node.
        here = Path.cwd()

        def come_back() -> None:
            if here.is_dir():
                os.chdir(here)

        empty = tempfile.mkdtemp(prefix="lauter-ray-")
        atexit.register(shutil.rmtree, empty, ignore_errors=True)
        os.chdir(empty)
        try:
            ray.init(
                **options,
                logging_level="ERROR",
                runtime_env={"worker_process_setup_hook": come_back},
            )
        finally:
            come_back()

    def _stream(self, pipeline: Pipeline, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        import ray
        from ray.data.exceptions import ExecutionTimeoutError

        self._configure()
        size = pipeline.stages[0].resources.batch_size
        sound = rows.append_column(FAILURE, pa.nulls(rows.num_rows, FAILURE.type))
        blocks = [
            pa.Table.from_batches([batch])
            for batch in sound.combine_chunks().to_batches(max_chunksize=size)
        ]
        if not blocks:
            return
        ledger = _ledger()
        dataset = ray.data.from_arrow(blocks)
        for position, stage in enumerate(pipeline.stages):
            schemas = pipeline.schema_after(position), pipeline.schema_after(position + 1)
            dataset = dataset.map_batches(
                StageWorker,
                fn_constructor_args=(stage, *schemas, ledger),
                batch_format="pyarrow",
                batch_size=stage.resources.batch_size,
                zero_copy_batch=True,
                **_pool_of(stage),
            )
        taken = 0
        try:
            for table in dataset.iter_batches(batch_format="pyarrow", batch_size=None):
                taken += table.num_rows
                yield from _finished(pipeline, table)
        except ExecutionTimeoutError as error:
            raise LauterError(
                f"nothing moved in Ray for {self.stalled_s:g} s: its nodes have no room for the "
                "workers that are left, or these hang; what came is kept. Add nodes, or set "
                "engine.stalled_s higher to wait longer, and run the same command again"
            ) from error
        except ray.exceptions.RayError as error:
            raise failure_of(error, "the Ray job failed") from error
        finally:
            if ray.is_initialized():
                ray.kill(ledger)
        if taken < rows.num_rows:
            raise LauterError(
                f"Ray has finished and {rows.num_rows - taken} of {rows.num_rows} rows did not "
                "come; run the same command again for what is missing"
            )

    def _configure(self) -> None:
        """Set what Ray Data takes from a context of the process."""
        import ray

        context = ray.data.DataContext.get_current()
        # It tells of each execution; its own settings are made on first use.
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        context.enable_progress_bars = False
        context.max_errored_blocks = 0
        context.max_consecutive_actor_init_deaths = MAX_DEATHS_AT_START - 1
        context.execution_no_progress_timeout_s = self.stalled_s
        options = context.execution_options
        options.preserve_order = False
        options.resource_limits = ray.data.ExecutionResources.for_limits(
            object_store_memory=self.in_flight_bytes
        )


def _nodes() -> list[Amounts]:
    """Return what each living node has when it is empty, apart from its memory."""
    import ray

    return [
        {
            name: amount
            for name, amount in node["Resources"].items()
            if "memory" not in name and not name.startswith("node:")
        }
        for node in ray.nodes()
        if node["Alive"]
    ]


def _ledger() -> Any:
    """Start a ledger of crashes on the head node, which is no spot machine.

    If it is started anew it has forgotten, and a row that kills may do so once more.
    """
    import ray

    options = {
        "num_cpus": 0,
        "resources": {"node:__internal_head__": 0.001},
        "max_restarts": -1,
        "max_task_retries": -1,
    }
    return ray.remote(CrashLedger).options(**options).remote()


def _pool_of(stage: Stage) -> dict[str, Any]:
    """Return the pool of a stage's workers in Ray Data's terms.

    Ray Data restarts them and tries their tasks again without end, for nodes may be lost without
    end; crashes are counted by the ledger.
    """
    import ray

    needs = stage.resources
    return {
        "num_cpus": needs.num_cpus,
        "num_gpus": needs.num_gpus or None,
        "resources": dict(needs.custom_resources) or None,
        "compute": ray.data.ActorPoolStrategy(
            min_size=needs.concurrency,
            max_size=needs.max_workers or needs.concurrency,
            max_concurrent_calls_per_actor=needs.batches_at_once,
            enable_true_multi_threading=needs.batches_at_once > 1,
        ),
    }


def _finished(pipeline: Pipeline, table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield what came out of the last stage, with dead letters for the rows that failed."""
    schema = pipeline.schema
    for batch in table.combine_chunks().to_batches():
        sound, failed = sound_and_failed(batch)
        if sound.num_rows:
            yield sound.select(schema.names).cast(schema)
        for row, failure in enumerate(failed[FAILURE.name].to_pylist()):
            yield dead_letters(
                failed.slice(row, 1), schema, **failure, source=pipeline.source.names
            )
