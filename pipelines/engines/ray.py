"""The Ray engine: a Ray Data pipeline with a pool of actors for each stage.

Made for clusters: each stage's pool has its own CPUs and GPUs, Ray streams batches between them
with back-pressure, restarts dead actors and asks again for what they held. Rows come back to the
driver, the only writer of the corpus, so a lost actor can neither lose nor double a row.
"""

import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.pipelines.stage import Pipeline, Stage


class _StageActor:
    """What Ray builds once in each actor of a stage's pool."""

    def __init__(self, stage: Stage) -> None:
        self._function = stage.open()

    def __call__(self, table: pa.Table) -> pa.Table:
        batches = table.combine_chunks().to_batches()
        return pa.Table.from_batches([self._function(batch) for batch in batches])


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

        os.chdir(tempfile.mkdtemp(prefix="lauter-ray-"))
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

        logging.getLogger("ray.data").setLevel(logging.ERROR)  # it tells of each execution
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = False
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
            )
        for table in dataset.iter_batches(batch_format="pyarrow", batch_size=None):
            yield from table.cast(pipeline.schema).combine_chunks().to_batches()
