"""What a worker needs and how many there are reach the stages as they were set."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from asking import write_lines
from omegaconf import OmegaConf
from small_sentencepiece import KEPT
from taught_student import some_codes, write_taught_student, write_untrained_codec

from lauter.datasets.errors import UsageError
from lauter.orchestration.loading import load_settings
from lauter.orchestration.making import make, make_job, make_teacher
from lauter.orchestration.setting_keys import CONFIGURATION_FOLDER
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.stage import Resources
from lauter.teacher.fast import FastTeacher
from lauter.teacher.step_audio.abilities import LAYOUTS
from lauter.teacher.step_audio.breaker import Breaker
from lauter.teacher.step_audio.hedging import Hedging
from lauter.teacher.step_audio.pool_settings import Patience, PoolSettings, ServerSettings
from lauter.teacher.step_audio.retries import Retries


@pytest.mark.parametrize("teacher", ["step_audio", "ray_actors"])
def test_the_settings_name_every_layout_that_a_checkpoint_may_have(teacher: str) -> None:
    told = (CONFIGURATION_FOLDER / "teacher" / f"{teacher}.yaml").read_text().split("layout:")[0]
    for layout in LAYOUTS:
        assert re.search(rf"^#.*\b{layout}\b", told, re.MULTILINE), layout


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


def test_the_configuration_of_servers_says_what_a_pool_does_by_default() -> None:
    for teacher in ("served", "step_audio"):
        settings = load_settings([f"teacher={teacher}"])
        pool = OmegaConf.to_container(settings.teacher.completer, resolve=True)
        assert isinstance(pool, dict)
        assert Patience(**pool["patience"]) == Patience()
        assert Retries(**pool["retries"]) == Retries()
        assert Hedging(**pool["hedging"]) == Hedging()
        assert Breaker(**pool["breaker"]) == Breaker()
        assert pool["health_every_s"] == PoolSettings((ServerSettings("http://a"),)).health_every_s
        for kind, name in ((Patience, "patience"), (Retries, "retries"), (Hedging, "hedging")):
            assert set(pool[name]) == {one.name for one in fields(kind)}


def test_a_pool_is_set_by_its_keys() -> None:
    settings = load_settings(
        ["teacher=served", "teacher.completer.hedging=false",
         "teacher.completer.retries.attempts=3", "teacher.completer.patience.unserved_s=5"]
    )  # fmt: skip
    completer = make(settings, "teacher").keywords["completer"]()
    told = completer._settings
    assert (told.hedging, told.retries.attempts, told.patience.unserved_s) == (None, 3, 5)
    assert told.sampling["temperature"] == 0.3
    completer.close()


def test_replicas_in_rays_without_number_are_refused(tmp_path: Path) -> None:
    codec = write_untrained_codec(tmp_path / "codec")
    cells = [{"language": "en", "dialect": "en-US", "emotion": "neutral"}]
    student = write_taught_student(tmp_path / "student", codec, cells=cells)
    settings = load_settings(
        ["teacher=ray_actors", "teacher.layout=student", f"teacher.student={student}",
         "engine.workers=4", "filters=fast", "policy=permissive"]
    )  # fmt: skip
    with pytest.raises(UsageError, match="set engine=ray, whose workers share them"):
        make_job(settings, *make_teacher(settings))


def test_a_voice_whose_timbre_nobody_knows_is_refused_before_anything_is_paid(
    tmp_path: Path,
) -> None:
    voice = {
        "speaker": "ada", "dialect": "en-GB", "licence": "CC-BY-4.0", "consent": "Ada, for tests",
        "text": "The train was late.", "codes": some_codes(3, 1).tolist(),
    }  # fmt: skip
    voices = write_lines(tmp_path / "voices.jsonl", [voice])
    settings = load_settings(
        ["teacher=step_audio", f"teacher.voices={voices}", f"teacher.tokenizer={KEPT}",
         "engine.workers=0", "filters=fast", "policy=permissive"]
    )  # fmt: skip
    open_teacher, teacher = make_teacher(settings)
    with pytest.raises(UsageError, match="the voice 'ada' has no recording"):
        make_job(settings, open_teacher, teacher)
