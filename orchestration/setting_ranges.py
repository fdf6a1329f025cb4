"""Which figures and words settings may have; a type alone does not say it."""

import math
import os

from omegaconf import DictConfig, OmegaConf

from lauter.datasets.errors import UsageError
from lauter.datasets.location import is_url
from lauter.datasets.suggestion import check_known
from lauter.datasets.voices import Use
from lauter.filters.catalogue import SCORES
from lauter.pipelines.cost import DECODE, SPEAK, TEACHER

_LEAST = {
    "speak.attempts": 1, "speak.batch_size": 1, "speak.concurrency": 1, "speak.back_off_s": 0,
    "speak.num_cpus": 0, "speak.num_gpus": 0, "score.batch_size": 1, "score.concurrency": 1,
    "decode.batches_at_once": 1, "decode.batch_size": 1, "decode.concurrency": 1,
    "decode.num_cpus": 0, "decode.num_gpus": 0,
    "score.num_cpus": 0, "score.num_gpus": 0, "score.threads": 1, "commit.rows": 1,
    "speak.batches_at_once": 1, "score.batches_at_once": 1,
    "commit.seconds": 0, "top_up.best_of": 1, "top_up.least_yield": 0, "top_up.text_price": 0,
    "plan.pilot": 0, "preview.count": 1, "export.shard_bytes": 1, "audit.samples": 0,
    "lineage.chains": 0,
    "evaluate.resamples": 100, "evaluate.batch_size": 1, "evaluate.samples": 0,
    "evaluate.margin": 0, "price_per_core_hour": 0, "codec.codes_steps": 1, "codec.flow_steps": 1,
    "codec.vocoder_steps": 1, "codec.hours": 0, "codec.count": 1, "speaking.best_of": 1,
    "speaking.texts_at_once": 1, "teach.batch_size": 1, "serve.rows": 1, "serve.most_waiting": 1,
    "serve.prefill_ids": 1, "serve.body_bytes": 1, "serve.characters": 1, "serve.choices": 1,
    "serve.top": 0, "serve.seconds": 0, "serve.retry_after_s": 0, "serve.stream_s": 0,
    "serve.drain_s": 0, "serve.port": 0, "scaling.seeds": 1, "scaling.parcels": 100,
    "scaling.window_h": 1, "write.count": 1, "write.per_ask": 1,
    "editing.times": 1, "evaluate.times": 1,
}  # fmt: skip
_CHOICES = {
    "on_refusal": ("stop", "skip"),
    "until": ("asked", "accepted"),
    "use": tuple(Use),
    "export.format": ("webdataset", "lance"),
    "export.split_by": ("text", "speaker"),
    "evaluate.speech": ("accepted", "all"),
    "evaluate.task": ("speech", "edit"),
    "evaluate.split": ("test", "valid"),
}


_ON_A_DISK = (
    "preview.folder", "evaluate.folder", "speaking.out", "codec.folder", "codec.report",
    "distill.output", "student", "voices.book", "voices.recording", "consent.within",
    "consent.out", "write.folder", "write.cache", "editing.out",
)  # fmt: skip


def check_ranges(settings: DictConfig) -> None:
    """Raise ``UsageError`` for a figure that makes no sense or a word that is no choice."""
    for key in _ON_A_DISK:
        place = OmegaConf.select(settings, key)
        if place is not None and is_url(place):
            raise UsageError(f"{key} is {place}, and can only be on a disk; name a folder or file")
    for key, least in _LEAST.items():
        if not least <= OmegaConf.select(settings, key) < math.inf:
            raise UsageError(f"{key} is {OmegaConf.select(settings, key)}; set {least} or more")
    workers = settings.engine.get("workers", 0)
    if workers is None:
        settings.engine.workers = os.cpu_count() or 1
    elif type(workers) is not int or workers < 0:
        raise UsageError(f"engine.workers is {workers}; set a number of processes, 0 or more")
    if not -(2**63) <= settings.seed < 2**63:
        raise UsageError(f"seed is {settings.seed}; set one of at most 18 digits")
    if not 0 < settings.speak.timeout_s < math.inf:
        raise UsageError(f"speak.timeout_s is {settings.speak.timeout_s}; set more than 0")
    if not 0.5 <= settings.write.alike <= 1:
        raise UsageError(
            f"write.alike is {settings.write.alike}; set 0.5 to 1, as pairs that have less in "
            "common are not all found"
        )
    _check_prices(settings)
    for stage in ("speak", "decode", "score"):
        most = settings[stage].max_workers
        if most is not None and most < 1:
            raise UsageError(f"{stage}.max_workers is {most}; set 1 or more, or null")
    for key in ("budget.device_hours", "budget.price", "budget.hours"):
        bound = OmegaConf.select(settings, key)
        if bound is not None and not 0 < bound < math.inf:
            raise UsageError(f"{key} is {bound}; set more than 0, or null for no bound")
    for key, choices in _CHOICES.items():
        chosen = OmegaConf.select(settings, key)
        if chosen not in choices:
            raise UsageError(f"{key} is '{chosen}'; choose {' or '.join(choices)}")


def _check_prices(settings: DictConfig) -> None:
    """Raise ``UsageError`` for a stage that is none, or a price below zero."""
    known = [SPEAK, TEACHER, DECODE, *SCORES]
    for key, names in (("prices", settings.prices), ("devices", settings.devices)):
        for name in names:
            check_known(name, known, f"{key} names the stage '{name}', which is none")
    for name, price in settings.prices.items():
        if not 0 <= price < math.inf:
            raise UsageError(f"prices.{name} is {price}; set 0 or more")
