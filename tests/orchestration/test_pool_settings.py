"""What a worker needs and how many there are reach the stages as they were set."""

from lauter.orchestration.making import make, make_job
from lauter.orchestration.settings import load_settings
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.stage import Resources
from lauter.teacher.fast import FastTeacher


def test_pools_are_as_they_were_set() -> None:
    settings = load_settings(
        [
            "engine=ray",
            "filters=fast",
            "policy=permissive",
            "speak.batch_size=16",
            "speak.num_gpus=1",
            "speak.concurrency=2",
            "speak.max_workers=8",
            "speak.batches_at_once=4",
            "+speak.custom_resources.teacher_card=1",
        ]
    )
    job = make_job(settings, FastTeacher, FastTeacher())
    assert job.speaking.resources == Resources(
        num_gpus=1,
        batch_size=16,
        concurrency=2,
        max_workers=8,
        batches_at_once=4,
        custom_resources={"teacher_card": 1},
    )
    assert job.scoring == Resources(batch_size=8)


def test_the_configuration_of_ray_says_what_it_does_by_default() -> None:
    assert make(load_settings(["engine=ray"]), "engine") == RayEngine()
