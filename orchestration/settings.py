"""The configuration's types: what each key means, and its default.

Groups that name a class (``_target_``) are checked against that class when it is made; the rest
is checked here. Hydra composes, OmegaConf checks the types, and what neither knows is answered
with the nearest known key.
"""

import difflib
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lauter.datasets.errors import UsageError
from lauter.datasets.location import is_url
from lauter.datasets.voices import Use
from lauter.filters.catalogue import SCORES
from lauter.orchestration.distill_settings import (
    BatchesSettings,
    DistillSettings,
    LoraSettings,
    LossesSettings,
    MixtureSettings,
    OnPolicySettings,
)
from lauter.orchestration.editing_settings import EditingSettings
from lauter.orchestration.scaling_settings import ScalingSettings
from lauter.orchestration.serve_settings import ServeSettings
from lauter.orchestration.trace_settings import TraceSettings
from lauter.orchestration.voices_settings import ConsentSettings, VoicesSettings
from lauter.orchestration.writer_settings import WriteSettings
from lauter.pipelines.cost import DECODE, SPEAK, TEACHER

# `describe` finds them here, by their names.
__all__ = [
    "BatchesSettings", "ConsentSettings", "DistillSettings", "LoraSettings", "LossesSettings",
    "MixtureSettings", "OnPolicySettings", "ScalingSettings", "ServeSettings", "Settings",
    "TraceSettings", "VoicesSettings", "WriteSettings",
]  # fmt: skip

CONFIGURATION_FOLDER = Path(__file__).parent / "conf"


@dataclass
class SpeakSettings:
    """How the teacher is asked."""

    attempts: int = 3
    """How often one request is asked before it becomes a dead letter."""
    timeout_s: float = 120.0
    """Seconds that one request may take; teachers that answer in codes, and ensembles with one of
    them, keep their own time."""
    back_off_s: float = 0.5
    """Seconds before the second attempt; doubled with each further one."""
    batch_size: int = 4
    """Requests handed to the teacher at once."""
    num_cpus: float = 1.0
    """Cores of one worker (Ray)."""
    num_gpus: float = 0.0
    """GPUs of one worker (Ray)."""
    concurrency: int = 1
    """Workers of the speaking pool (Ray)."""
    max_workers: int | None = None
    """So many at most, while batches wait for the pool; null: it does not grow (Ray)."""
    batches_at_once: int = 1
    """Batches that a worker serves at once, where its models bear that (Ray, Beam)."""
    custom_resources: dict[str, float] = field(default_factory=dict)
    """What a worker takes of the nodes' own, as in +speak.custom_resources.card=1 (Ray)."""
    retry_failed: bool = False
    """Ask again for what ended with an error in an earlier run."""


@dataclass
class DecodeSettings:
    """How the codes of teachers that answer in codes become sound; the codec is `codec.folder`."""

    batch_size: int = 16
    """Utterances decoded at once."""
    device: str = "cpu"
    """Where the decoder runs, such as cuda."""
    num_cpus: float = 1.0
    """Cores of one worker (Ray)."""
    num_gpus: float = 0.0
    """GPUs of one worker (Ray)."""
    concurrency: int = 1
    """Workers of the decoding pool (Ray)."""
    max_workers: int | None = None
    """So many at most, while batches wait for the pool; null: it does not grow (Ray)."""
    batches_at_once: int = 1
    """Batches that a worker serves at once, where its models bear that (Ray, Beam)."""
    custom_resources: dict[str, float] = field(default_factory=dict)
    """What a worker takes of the nodes' own, as in +decode.custom_resources.card=1 (Ray)."""


@dataclass
class ScoreSettings:
    """How the scorers are run."""

    batch_size: int = 8
    """Utterances scored at once."""
    num_cpus: float = 1.0
    """Cores of one worker (Ray)."""
    num_gpus: float = 0.0
    """GPUs of one worker (Ray)."""
    concurrency: int = 1
    """Workers of the scoring pool (Ray)."""
    max_workers: int | None = None
    """So many at most, while batches wait for the pool; null: it does not grow (Ray)."""
    batches_at_once: int = 1
    """Batches that a worker serves at once, where its models bear that (Ray, Beam)."""
    custom_resources: dict[str, float] = field(default_factory=dict)
    """What a worker takes of the nodes' own, as in +score.custom_resources.card=1 (Ray)."""
    threads: int = 2
    """Threads that decode and encode imported speech."""


@dataclass
class TopUpSettings:
    """How `lauter synthesize until=accepted` fills its quotas."""

    best_of: int = 3
    """How often a prompt is asked at most, with other seeds, where the teacher is sampled."""
    least_yield: float = 0.02
    """A cell is given up once its yield is, with 95 % certainty, below this share."""
    text_price: float = 0.0
    """What a fresh text costs: what asking a rejected one again saves."""


@dataclass
class BudgetSettings:
    """What `lauter synthesize until=accepted` may spend; it stops when any of these is spent."""

    device_hours: float | None = None
    """Hours of accelerators, those of earlier runs of the corpus included; null: no bound."""
    price: float | None = None
    """Money, in `currency`, that of earlier runs included; null: no bound."""
    hours: float | None = None
    """Hours of this run; null: no bound."""


@dataclass
class PlanSettings:
    """`lauter plan`."""

    pilot: int = 0
    """Prompts of each cell that are spoken first, so that the cost of all can be foretold; they
    are kept in the corpus."""


@dataclass
class CommitSettings:
    """When finished rows are made durable: by whichever comes first."""

    rows: int = 1024
    """Rows a commit."""
    seconds: float = 30.0
    """Seconds between commits; a killed run loses at most this much work."""


@dataclass
class PreviewSettings:
    """`lauter preview`."""

    count: int = 6
    """How many requests go through the whole pipeline."""
    folder: str = "preview"
    """Where the sounds and the page are written."""


@dataclass
class ExportSettings:
    """`lauter export`."""

    folder: str = "export"
    """Where the shards are written: a folder, or a place in a store (s3://bucket/shards)."""
    format: str = "webdataset"
    """webdataset or lance."""
    shard_bytes: int = 256 << 20
    """Size of a shard, in bytes."""
    valid: float = 0.0
    """Share of the texts kept for the split `valid`, such as 0.02; no text is in two splits."""
    test: float = 0.0
    """Share of the texts kept for the split `test`; the rest is `train`."""
    split_by: str = "text"
    """text: no text is in two splits; speaker: no speaker is, as songs' artists must not be."""
    version: str | None = None
    """A tag or version number of the corpus; null: the newest state."""
    overwrite: bool = False
    """Replace an export that is there already."""
    edit_pairs: bool = False
    """Also write edit_pairs.SPLIT.jsonl: speech before and after an edit in codes, a pair a line,
    for other trainers (`distill.task=edit` needs none)."""


@dataclass
class AuditSettings:
    """`lauter audit`."""

    page: str = "audit.html"
    """The report: one file, readable offline; in a store too."""
    samples: int = 3
    """Playable samples for each dialect of accepted and each gate of rejected speech."""
    version: str | None = None
    """A tag or version number of the corpus; null: the newest state."""


@dataclass
class DeriveSettings:
    """`lauter derive`."""

    edits: list[str] = field(default_factory=list)
    """Which edits, in this order: remove emotion, remove style, noise, denoise, silence,
    trim silence, breathing, laughter, pause; as in derive.edits='[noise,denoise]'."""
    where: str | None = None
    """An SQL condition over the corpus's columns that narrows what is edited; null: all that was
    accepted."""


@dataclass
class LineageSettings:
    """`lauter lineage`."""

    page: str = "lineage.html"
    """The page: one file, readable and playable offline; its figures stand beside it as JSON."""
    chains: int = 12
    """Chains of each kind that can be played."""
    version: str | None = None
    """A tag or version number of the corpus; null: the newest state."""


@dataclass
class EvaluateSettings:
    """`lauter evaluate`."""

    task: str = "speech"
    """speech (texts are said), or edit: speech is edited again and again, and what moves is
    measured."""
    edits: list[str] | None = None
    """The edits of evaluate.task=edit, such as [joy+1,sadness+1]; null: all in the export."""
    times: int = 5
    """How often each is applied, at most."""
    folder: str = "evaluation"
    """Where evaluation.json, the page and the utterances are written."""
    data: str | None = None
    """An export; null: the corpus, with the seed, export.valid and export.test of the export."""
    split: str = "test"
    """The split that is evaluated on: test or valid."""
    speech: str = "accepted"
    """Of a corpus: accepted, or all (what the filters rejected is the teacher's speech too)."""
    count: int | None = None
    """How many texts at most; null: all."""
    list: str | None = None
    """A SEED-TTS style list (id|prompt text|prompt wav|target text) instead of corpus or export."""
    language: str = "en"
    """Language or dialect of that list."""
    against: str | None = "auto"
    """teacher, resynthesis, ground_truth (of a list), auto (what recordings there are) or null."""
    margin: float = 0.05
    """By how much CER it may be worse than that at 95 %, else exit code 3; 0: it must be better."""
    resamples: int = 10_000
    """Resamples of the bootstrap."""
    batch_size: int = 8
    """Texts spoken and scored at once."""
    device: str = "cpu"
    """Where the student and the codec run, such as cuda."""
    samples: int = 10
    """Texts to listen to on the page: so many of the worst, and so many of a fair sample."""


@dataclass
class SpeakingSettings:
    """`lauter speak`: the student's speech (`speak.…` is how the teacher is asked).

    From temperature to max_codes, `lauter evaluate` and the evaluations of `lauter distill` too.
    """

    text: str | None = None
    """What to say."""
    texts: str | None = None
    """Or a file with a text on each line, before which a name and a tab may stand."""
    out: str = "speech.wav"
    """The sound; with speaking.texts a folder of them."""
    speaker: str | None = None
    """The voice, by name; null: the first that the student knows."""
    reference: str | None = None
    """A recording of the wanted voice."""
    reference_text: str | None = None
    """What is said in it, for students that go on from recordings."""
    dialect: str = "en-US"
    """What the text is spoken in."""
    emotion: str = "neutral"
    """What the voice expresses."""
    emotion_level: int = 0
    """How strongly, from 1 to 5; 0 with neutral."""
    style: str = "plain"
    """plain, rap or sung."""
    speed_level: int = 0
    """From -5 (slow) to 5 (fast)."""
    best_of: int = 1
    """Say each text so many times, and keep the one that the recogniser understands best."""
    temperature: float = 0.3
    """How adventurous; 0 takes the most probable code each time. Small students want little."""
    top_p: float = 0.9
    """Draw of the fewest codes that hold this share of the probability."""
    repetition_window: int = 10
    """Ids looked back on for repetition; 0: repetition is let be."""
    repetition_threshold: float = 0.1
    """An id that fills more than this share of the window may not follow itself."""
    max_codes: int = 2048
    """Codes of one text at most (42 a second); a text's length is a limit as well."""
    texts_at_once: int = 16
    """Texts spoken together."""
    device: str = "cpu"
    """Where the student and the codec run, such as cuda."""


@dataclass
class CodecSettings:
    """`lauter codec train`, `lauter codec encode`, `lauter codec report`, and whoever decodes."""

    folder: str | None = None
    """Folder of the codec, which training writes; null: the one that comes with Lauter."""
    released: str | None = None
    """Folder of stepfun-ai/Step-Audio-Tokenizer, to encode with it instead; it cannot decode."""
    init: str | None = None
    """A codec's folder, or shipped: `codec train` trains its decoder (flow_steps) on speech that it
    has encoded, and leaves its codes as they are, so that what it encoded stays of use."""
    hours: float = 6.0
    """Most hours of accepted speech to train on, chosen by digest; an hour takes up to 550 MB."""
    codes_steps: int = 1500
    """Steps in which the codes are learnt."""
    flow_steps: int = 1500
    """Steps in which the flow decoder is learnt."""
    vocoder_steps: int = 3000
    """Steps in which the vocoder is learnt."""
    only_vocoder: bool = False
    """Train that stage alone, beside another process that trains those before it."""
    device: str = "cpu"
    """Where training and encoding run, such as cuda."""
    report: str = "codec-report"
    """Folder that `lauter codec report` writes its figures to."""
    keep_report: bool = False
    """Also keep these figures in codec.folder, as evaluation.json."""
    count: int = 40
    """How many utterances the report is on; give it a corpus that the codec was not trained on."""


@dataclass
class TeachSettings:
    """`lauter teach`; the teacher is `student`."""

    k: int = 32
    """Most entries that are kept of a teacher's answer at each code, up to 255."""
    mass: float = 0.99
    """Fewer are kept where the likeliest have this share of the probability together."""
    batch_size: int = 1
    """Utterances asked at once; with 1 no answer depends on its neighbours, a GPU is quicker with
    more."""
    device: str = "cpu"
    """Where the teacher runs, such as cuda."""


@dataclass
class Settings:
    """All of Lauter's configuration."""

    corpus: str = "corpus"
    """Folder of the corpus, or a place in a store, such as s3://bucket/corpus."""
    seed: int = 0
    """Seed of the choice of prompts and of the teacher's sampling."""
    teacher: Any = None
    """Who speaks (group)."""
    filters: Any = None
    """The scorers, cheap ones first (group)."""
    policy: Any = None
    """The thresholds (group)."""
    engine: Any = None
    """Where it runs: inline, ray or beam (group)."""
    prompts: Any = None
    """Where texts come from (group)."""
    quotas: Any = None
    """How many of each kind (group)."""
    recipe: Any = None
    """Choices and settings that belong together, for every command of a project (group)."""
    source: Any = None
    """What `lauter import` reads (group)."""
    separator: Any = None
    """What takes the voice out of songs (group)."""
    student: str | None = None
    """Folder of a student, as `lauter distill` writes it."""
    speak: SpeakSettings = field(default_factory=SpeakSettings)
    decode: DecodeSettings = field(default_factory=DecodeSettings)
    score: ScoreSettings = field(default_factory=ScoreSettings)
    commit: CommitSettings = field(default_factory=CommitSettings)
    preview: PreviewSettings = field(default_factory=PreviewSettings)
    export: ExportSettings = field(default_factory=ExportSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    derive: DeriveSettings = field(default_factory=DeriveSettings)
    lineage: LineageSettings = field(default_factory=LineageSettings)
    speaking: SpeakingSettings = field(default_factory=SpeakingSettings)
    editing: EditingSettings = field(default_factory=EditingSettings)
    evaluate: EvaluateSettings = field(default_factory=EvaluateSettings)
    until: str = "asked"
    """asked: each quota is so many requests; accepted: so many accepted utterances."""
    top_up: TopUpSettings = field(default_factory=TopUpSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    plan: PlanSettings = field(default_factory=PlanSettings)
    on_refusal: str = "stop"
    """stop: nothing is spoken while a prompt is refused; skip: the others are spoken."""
    use: str = "research"
    """What the speech is for: research, internal or commercial; voices that may not be used for it
    are refused at planning, rejected at judging and left out of exports."""
    voices: VoicesSettings = field(default_factory=VoicesSettings)
    consent: ConsentSettings = field(default_factory=ConsentSettings)
    tag: str | None = None
    """Name given to the state of the corpus after `synthesize`, `import` or `judge`."""
    codec: CodecSettings = field(default_factory=CodecSettings)
    teach: TeachSettings = field(default_factory=TeachSettings)
    distill: DistillSettings = field(default_factory=DistillSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    writer: Any = None
    """Who writes texts (group)."""
    write: WriteSettings = field(default_factory=WriteSettings)
    trace: TraceSettings = field(default_factory=TraceSettings)
    assumptions: Any = None
    """What a large plan is reckoned with (group)."""
    scaling: ScalingSettings = field(default_factory=ScalingSettings)
    price_per_core_hour: float = 0.05
    """What an hour of one core costs, for the cost per accepted hour."""
    currency: str = "USD"
    """The currency of the price."""
    prices: dict[str, float] = field(default_factory=dict)
    """What an hour of a stage's device costs, where it is no core, as in +prices.teacher=2.5:
    of speak, teacher (servers), decode, or a scorer by its name."""
    devices: list[str] = field(default_factory=lambda: ["teacher"])
    """The stages that run on accelerators, whose hours are counted apart."""


def load_settings(overrides: Sequence[str]) -> DictConfig:
    """Compose the configuration with ``overrides`` (Hydra's ``key=value`` grammar).

    Raises ``UsageError`` for an unknown key, with the nearest known ones, and for a wrong type.
    """
    ConfigStore.instance().store(name="schema", node=Settings)
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONFIGURATION_FOLDER), version_base="1.3"):
            settings = compose("lauter", overrides=[_literal(one) for one in overrides])
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(_explain(error, overrides)) from error
    _check_ranges(settings)
    return settings


def _literal(override: str) -> str:
    """Return an override whose value is a text so that none of its signs means anything to Hydra.

    One that stands in quotes already, and null, are left to it.
    """
    key, _, value = override.lstrip("+").partition("=")
    if key not in _TEXTS or value in ("", "null") or _QUOTED.fullmatch(value):
        return override
    if value == "???":  # to OmegaConf, a value that is missing
        raise UsageError(f"{key} is ???, which says nothing; write words")
    # What OmegaConf would take for another setting's value.
    uninterpolated = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", value)
    return f"{key}={QuotedString(uninterpolated, Quote.single).with_quotes()}"


_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_TEXTS = (
    "speaking.text", "speaking.reference_text", "consent.voice", "consent.by", "consent.note",
    "voices.text", "voices.consent", "voices.owner",
    "trace.file", "editing.text",
)  # fmt: skip
_OPEN = ("prices", "speak.custom_resources", "score.custom_resources", "decode.custom_resources")
"""Settings whose keys are free."""
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
    "scaling.window_h": 1, "write.count": 1, "write.per_ask": 1, "write.alike": 0,
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


def _check_ranges(settings: DictConfig) -> None:
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
            if name not in known:
                near = difflib.get_close_matches(str(name), known, 1)
                hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
                raise UsageError(f"{key} names the stage '{name}', which is none; {hint}")
    for name, price in settings.prices.items():
        if not 0 <= price < math.inf:
            raise UsageError(f"prices.{name} is {price}; set 0 or more")


def _explain(error: Exception, overrides: Sequence[str]) -> str:
    """Return one sentence for Hydra's several lines."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    lines = f"{error}\n{cause}"
    for override in overrides:
        key = override.lstrip("+~").split("=", 1)[0]
        if "=" not in override:
            return f"'{override}' is no setting; write key=value, for example corpus=my-corpus"
        if isinstance(cause, OverrideParseException):
            if override != cause.override:
                continue
            return f"the setting {override} cannot be read; put quotes round its value"
        value = override.split("=", 1)[1]
        if "/" in key or (CONFIGURATION_FOLDER / key).is_dir():
            options = sorted(path.stem for path in (CONFIGURATION_FOLDER / key).glob("*.yaml"))
            if value in options:
                continue
            if "." not in key:
                near = difflib.get_close_matches(value, options, 1)
                hint = f"did you mean {key}={near[0]}?" if near else "choose one of these"
                return f"there is no {key} '{value}'; {hint} ({', '.join(options)})"
        if any(key.startswith(f"{table}.") for table in _OPEN):
            if not override.startswith("+"):
                return f"'{key}' is a key of its own: put a plus before it, as in +{key}={value}"
            if key in lines:
                return f"the setting {override} does not fit: {_first_line(cause)}"
            continue
        if key not in (known := sorted(known_keys(_choices_of_groups(overrides)))):
            near = _nearest(key, known)
            hint = f"did you mean {' or '.join(near)}?" if near else "see `lauter plan --help`"
            return f"there is no setting '{key}'; {hint}"
        if key in lines:
            return f"the setting {override} does not fit: {_first_line(cause)}"
    return f"the configuration does not hold together: {_first_line(cause)}"


def _nearest(key: str, known: Sequence[str]) -> list[str]:
    """Return the settings of this name in other groups, else the one that looks most alike."""
    same_name = [name for name in known if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    return same_name or difflib.get_close_matches(key, known, 1, cutoff=0.7)


def _first_line(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error).strip().split("\n", 1)[0])


def _choices_of_groups(overrides: Sequence[str]) -> list[str]:
    """Return those of ``overrides`` that choose one of a group's files, such as teacher=fast."""
    chosen = (override.partition("=") for override in overrides)
    return [
        f"{group}={name}"
        for group, _, name in chosen
        if (CONFIGURATION_FOLDER / group / f"{name}.yaml").is_file()
    ]


def known_keys(choices: Sequence[str] = ()) -> set[str]:
    """Return every key of the default configuration with these ``choices`` of groups, dotted."""
    with initialize_config_dir(str(CONFIGURATION_FOLDER), version_base="1.3"):
        plain = OmegaConf.to_container(compose("lauter", overrides=list(choices)))
    return set(_dotted(plain))


def _dotted(node: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield f"{prefix}{key}"
            yield from _dotted(value, f"{prefix}{key}.")
