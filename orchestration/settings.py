"""The configuration's types: what each key means, and its default.

Groups that name a class (``_target_``) are checked against that class when it is made. Composing
and checking stand in ``loading.py``.
"""

from dataclasses import dataclass, field
from typing import Any

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
from lauter.orchestration.stage_settings import (
    BudgetSettings,
    CommitSettings,
    DecodeSettings,
    PlanSettings,
    ScoreSettings,
    SpeakSettings,
    TopUpSettings,
)
from lauter.orchestration.student_settings import (
    CodecSettings,
    EvaluateSettings,
    SpeakingSettings,
    TeachSettings,
)
from lauter.orchestration.trace_settings import TraceSettings
from lauter.orchestration.voices_settings import ConsentSettings, VoicesSettings
from lauter.orchestration.writer_settings import WriteSettings

# `describe` finds them here, by their names.
__all__ = [
    "BatchesSettings", "DistillSettings", "LoraSettings", "LossesSettings", "MixtureSettings",
    "OnPolicySettings", "Settings",
]  # fmt: skip


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
