"""The settings of asking, decoding and scoring: who works, how many at a time, and until when."""

from dataclasses import dataclass, field


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
