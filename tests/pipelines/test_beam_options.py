"""What the configuration of each Beam cluster says, as Beam itself reads it."""

import re
from pathlib import Path
from typing import Any

import pytest
from apache_beam.options.pipeline_options import (
    DebugOptions,
    FlinkRunnerOptions,
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    SparkRunnerOptions,
    WorkerOptions,
)

from lauter.datasets.errors import UsageError
from lauter.orchestration.loading import load_settings
from lauter.orchestration.making import make
from lauter.pipelines.engines.beam import BeamEngine

ROOT = Path(__file__).parent.parent.parent
SCRATCH = "engine.scratch_folder=gs://bucket/scratch"


def options(name: str, *words: str) -> PipelineOptions:
    engine: BeamEngine = make(load_settings([f"engine={name}", SCRATCH, *words]), "engine")
    return engine.beam_options()


@pytest.mark.parametrize("name", ["beam", "beam_flink", "beam_spark", "beam_dataflow"])
def test_beam_knows_every_option(name: str) -> None:
    given = make(load_settings([f"engine={name}", SCRATCH]), "engine").options
    known = PipelineOptions([]).get_all_options()
    destinations = {"experiments", "dataflow_service_options"} | set(known)
    assert set(given) <= destinations


def test_flink_gets_its_cluster_image_and_processes() -> None:
    words = ("engine.options.parallelism=64", "engine.options.flink_master=flink:8081")
    flink = options("beam_flink", *words)
    of_flink = flink.view_as(FlinkRunnerOptions)
    assert (of_flink.flink_master, of_flink.parallelism) == ("flink:8081", 64)
    check_containers(flink)


def test_spark_gets_its_cluster_image_and_processes() -> None:
    spark = options("beam_spark", "engine.options.spark_master_url=spark://spark:7077")
    assert spark.view_as(SparkRunnerOptions).spark_master_url == "spark://spark:7077"
    check_containers(spark)


def check_containers(of_cluster: PipelineOptions) -> None:
    portable = of_cluster.view_as(PortableOptions)
    assert portable.environment_type == "DOCKER"
    assert portable.environment_config == "lauter-beam"
    assert int(portable.sdk_worker_parallelism) == 1


def test_dataflow_gets_its_project_image_and_one_process_a_machine() -> None:
    card = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"
    dataflow = options(
        "beam_dataflow",
        "engine.options.project=speech",
        "engine.options.region=europe-west4",
        "engine.options.temp_location=gs://bucket/temporary",
        "engine.options.sdk_container_image=europe-docker.pkg.dev/speech/lauter/beam",
        f"engine.options.dataflow_service_options=['{card}']",
        "+engine.options.job_name=voices",
    )
    cloud, workers = dataflow.view_as(GoogleCloudOptions), dataflow.view_as(WorkerOptions)
    assert (cloud.project, cloud.region, cloud.job_name) == ("speech", "europe-west4", "voices")
    assert cloud.dataflow_service_options == [card]
    assert workers.sdk_container_image == "europe-docker.pkg.dev/speech/lauter/beam"
    assert (workers.machine_type, workers.max_num_workers) == ("n1-standard-8", 8)
    debugging = dataflow.view_as(DebugOptions)
    assert "no_use_multiple_sdk_containers" in debugging.experiments
    assert debugging.number_of_worker_harness_threads == 2


def test_what_is_not_set_is_not_given() -> None:
    assert options("beam_dataflow").view_as(GoogleCloudOptions).project is None


@pytest.mark.parametrize(
    ("runner", "sentence"),
    [
        ({"options": ["--region=x"]}, r"give Beam's options by their names, such as"),
        ({"runner": "FlinkRunner"}, r"FlinkRunner works on other machines, and engine\.scratch_f"),
    ],
)
def test_a_runner_that_cannot_work_as_asked_is_refused(
    runner: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        BeamEngine(**runner)


def test_the_image_of_workers_has_what_the_house_is_built_with() -> None:
    image = (ROOT / "docker" / "workers.Dockerfile").read_text()
    constraints = (ROOT / "requirements" / "constraints.txt").read_text()
    for package, version in (
        ("apache-beam", r"apache/beam_python3\.11_sdk:(\S+)"),
        ("ray", r"rayproject/ray:([\d.]+)-py311"),
        ("torch", r"ARG TORCH=(\S+)"),
    ):
        (found,) = re.findall(version, image)
        assert f"\n{package}=={found}\n" in constraints
    copied = [word for line in re.findall(r"COPY (.+) \S+", image) for word in line.split()]
    assert all((ROOT / name).exists() for name in copied)
    assert {"datasets", "teacher", "filters", "pipelines", "student", "orchestration"} <= {*copied}
