"""The Ray engine: a Ray Data pipeline with a pool of actors for each stage.

Made for clusters: each stage's pool has its own CPUs and GPUs, Ray streams batches between them
with back-pressure, restarts dead actors and asks again for what they held. Rows come back to the
driver, the only writer of the corpus, so a lost actor can neither lose nor double a row. A batch
that takes down its actor again and again is left out by Ray; its rows are then tried one by one,
and the row that is to blame becomes a dead letter of kind ``crashed``.
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
import pyarrow.compute as pc

from lauter.datasets.errors import UsageError
from lauter.pipelines.dead_letters import MAX_CRASHES, dead_letters
from lauter.pipelines.engines.failures import failure_of
from lauter.pipelines.stage import Pipeline, Stage


class _StageActor:
    """What Ray builds once in each actor of a stage's pool."""

    def __init__(self, stage: Stage) -> None:
        self._function = stage.open()

    def __call__(self, table: pa.Table) -> pa.Table:
        batches = table.combine_chunks().to_batches()
        return pa.Table.from_batches([self._function(batch) for batch in batches])


class _ChainActor:
    """All stages in one actor, for rows that are tried alone."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._function = pipeline.open()

    def run(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return self._function(batch)


@dataclass(frozen=True)
class RayEngine:
    """Runs pipelines on Ray; a Ray that already runs in this process is used as it is.

    ``address`` is as in ``ray.init``; ``local`` starts a Ray here, with ``num_cpus`` logical CPUs:
    two more than the machine has where not given, for the reads and the driver, because pools
    that hold every CPU starve them, and the run hangs. Ray ends with this process.
    """

    address: str = "local"
    num_cpus: int | None = None
    temporary_folder: str | None = None
    max_lost_batches: int = 16
    name: str = "ray"

    def run(self, pipeline: Pipeline, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        """Yield finished batches; see ``Engine.run``."""
        import ray

        if not ray.is_initialized():
            self.start()
        pools = sum(s.resources.num_cpus * s.resources.concurrency for s in pipeline.stages)
        available = ray.cluster_resources().get("CPU", 0)
        if pools >= available:
            raise UsageError(
                f"the pools of {' and '.join(s.name for s in pipeline.stages)} ask for {pools:g} "
                f"of Ray's {available:g} CPUs and would starve the reads; "
                f"set engine.num_cpus={int(pools) + 2} or make the pools smaller"
            )
        return self._stream(pipeline, rows)

    def start(self) -> None:
        """Start or join Ray as the engine is configured."""
        import ray

        options: dict[str, Any] = {"address": self.address, "log_to_driver": False}
        if self.address == "local":
            options |= {
                "num_cpus": self.num_cpus or (os.cpu_count() or 1) + 2,
                "include_dashboard": False,
            }
            if self.temporary_folder:
                options["_temp_dir"] = self.temporary_folder
        # Ray puts the folder it is started from on its workers' module path. Started from this
        # repository, `import datasets` inside other libraries would then find our room in place
        # of Hugging Face's package: so Ray starts from an empty folder, and its workers come back.
        here = Path.cwd()

        def come_back() -> None:
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

        context = ray.data.DataContext.get_current()
        # It tells of each execution; its own settings are made on first use.
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        context.enable_progress_bars = False
        context.execution_options.preserve_order = False
        context.max_errored_blocks = self.max_lost_batches
        size = pipeline.stages[0].resources.batch_size
        blocks = [
            pa.Table.from_batches([batch])
            for batch in rows.combine_chunks().to_batches(max_chunksize=size)
        ]
        if not blocks:
            return
        dataset = ray.data.from_arrow(blocks)
        for stage in pipeline.stages:
            resources = stage.resources
            dataset = dataset.map_batches(
                _StageActor,
                fn_constructor_args=(stage,),
                batch_format="pyarrow",
                batch_size=resources.batch_size,
                zero_copy_batch=True,
                num_cpus=resources.num_cpus,
                num_gpus=resources.num_gpus or None,
                compute=ray.data.ActorPoolStrategy(size=resources.concurrency),
                ray_remote_args_fn=_bounded_retries,
            )
        finished: list[pa.ChunkedArray] = []
        tables = dataset.iter_batches(batch_format="pyarrow", batch_size=None)
        try:
            for table in tables:
                finished.append(table["request_id"])
                yield from table.cast(pipeline.schema).combine_chunks().to_batches()
        except ray.exceptions.RayError as error:
            raise failure_of(error, "the Ray job failed") from error
        known = pa.chunked_array(
            [chunk for column in finished for chunk in column.chunks], pa.string()
        )
        left_out = rows.filter(pc.invert(pc.is_in(rows["request_id"], value_set=known)))
        yield from _one_by_one(pipeline, left_out)


def _bounded_retries() -> dict[str, Any]:
    return {"max_restarts": -1, "max_task_retries": MAX_CRASHES}


def _one_by_one(pipeline: Pipeline, rows: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield finished rows; one that takes down ``MAX_CRASHES`` actors is given up."""
    import ray

    needs = [stage.resources for stage in pipeline.stages]
    actor_class = ray.remote(_ChainActor).options(
        num_cpus=max(need.num_cpus for need in needs), num_gpus=sum(need.num_gpus for need in needs)
    )
    actor = None
    for batch in rows.combine_chunks().to_batches(max_chunksize=1):
        for crashes in range(1, MAX_CRASHES + 1):
            actor = actor or actor_class.remote(pipeline)
            try:
                yield ray.get(actor.run.remote(batch))
                break
            except ray.exceptions.RayActorError:
                actor = None
                if crashes == MAX_CRASHES:
                    yield dead_letters(batch, pipeline.schema, "the worker died", crashes)
