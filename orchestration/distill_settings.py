"""What `lauter distill` can be told: the types, the meanings and the laptop's defaults.

Recipes for other machines stand in ``conf/distill/``. Figures are checked by the classes of
``lauter.student`` that these become, which want PyTorch; so they are not imported here, and a test
holds both to the same names and defaults.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class MixtureSettings:
    """Of what an epoch is mixed."""

    weights: Any = None
    """By language, dialect or emotion, such as {yue: 2, ja/joy: 0.5}; 0 leaves it out."""
    temperature: float = 1.0
    """Above 1 rare cells (language, dialect and emotion) come more often than they are there."""
    most_repeats: float = 8.0
    """How often a sample may come in an epoch at most."""


@dataclass
class BatchesSettings:
    """How examples become batches."""

    pack_tokens: int | None = None
    """Ids of a row; null: twice the longest example."""
    batch_tokens: int = 16_384
    """Ids of a step, over all processes and micro batches; the result hangs on this alone."""
    micro_tokens: int = 8_192
    """Ids that a process takes at once: as many as memory bears."""
    look_ahead: int = 256
    """Samples among which one is sought that fills a row."""
    window: int = 8_192
    """Neighbouring samples that are shuffled among themselves, after shards were."""
    history_masking: float = 0.0
    """Share of the speech heard so far that is hidden from the student; small data needs it.
    Of edits it is the mean, and 0.5 the most."""
    history_mask: str = "pad"
    """What stands in its place: pad, or random codes of the same book."""
    reference_share: float = 0.0
    """Share of the examples that begin with another utterance of their speaker, from which a
    student learns to copy voices it never heard; 0.5 leaves it the voices by name as well."""
    too_long: str = "refuse"
    """refuse examples longer than the context, or skip them."""
    seed: int = 0
    """Seed of the order and of what is hidden."""
    mixture: MixtureSettings = field(default_factory=MixtureSettings)


@dataclass
class LossesSettings:
    """What is learnt from."""

    kind: str = "sequence"
    """sequence (the codes alone), or from cached logits too: forward_kl, reverse_kl,
    jensen_shannon, skewed_kl, skewed_reverse_kl."""
    teacher_weight: float = 0.5
    """Share of the divergence in the loss; the rest is cross-entropy with the codes."""
    linguistic_temperature: float = 1.0
    """Flattens teacher and student in the linguistic stream."""
    semantic_temperature: float = 1.0
    """Flattens teacher and student in the semantic stream."""
    linguistic_weight: float = 1.0
    """Weight of a linguistic place."""
    semantic_weight: float = 1.0
    """Weight of a semantic place."""
    skew: float = 0.1
    """Share of the teacher in the mixture of skewed_kl, of the student in skewed_reverse_kl's."""
    slot_aware: bool = True
    """Only codes that are legal at a place take part in its softmax."""


@dataclass
class OnPolicySettings:
    """Steps in which the student is corrected in what it says itself."""

    share: float = 0.0
    """Share of the steps, spread evenly; 0: none."""
    teacher: str | None = None
    """Folder of the student that corrects it: same ids, same codec."""
    kind: str = "reverse_kl"
    """The divergence from its teacher, as in distill.loss.kind."""
    temperature: float = 1.0
    """At which the student draws its answers; 1: as it believes."""
    longest: float = 2.0
    """As many times the codes of the data may be said before an answer is broken off."""


@dataclass
class LoraSettings:
    """Low-rank adapters: they learn, the student of `init` stays as it is."""

    rank: int = 0
    """Dimensions of an adapter, such as 16; 0: no adapters, all weights learn."""
    alpha: float = 32.0
    """What an adapter adds is scaled by alpha / rank."""
    targets: list[str] = field(default_factory=lambda: ["q_proj", "k_proj", "v_proj", "o_proj"])
    """The projections adapted: of these and gate_proj, up_proj, down_proj."""


@dataclass
class DistillSettings:
    """`lauter distill`."""

    data: str = "export"
    """The export to learn from, with codes: a folder, or a place in a store."""
    output: str = "distilled"
    """Folder of the run: checkpoints, log, and the student; a run that is there goes on."""
    task: str = "speech"
    """What it learns: speech (to say texts), edit (one step of an emotion or the speed of speech
    that is there, of exports that hold neighbouring levels of the same texts), or both."""
    preset: str | None = "tiny"
    """The student's size: tiny (3 M weights), small (30 M), base (150 M), 3b; null: as init."""
    init: str | None = None
    """Folder of a student to begin with; null: new weights."""
    tokenizer: str = "bytes"
    """What new weights read with: bytes, pairs (of them, learnt from the training texts), or the
    folder of a student that reads alike."""
    text_size: int = 512
    """As many ids of text pairs are learnt for; in a closed domain a word is then one id."""
    dropout: float = 0.0
    """Share of what each layer adds that is dropped in training; small data needs it."""
    seed: int = 0
    """Seed of new weights and of dropout."""
    steps: int | None = 1000
    """Steps in all; null: as many as the epochs have."""
    epochs: int | None = None
    """Epochs in all; null: as many as the steps reach."""
    learning_rate: float = 2e-3
    """The rate after the warm-up."""
    least_learning_rate: float = 1e-4
    """The rate at the end, reached along a cosine."""
    warm_up: int = 50
    """Steps in which the rate rises."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW's memory of gradients and of their squares."""
    weight_decay: float = 0.1
    """AdamW's decay of matrices."""
    clip: float = 1.0
    """Greatest norm of a gradient; a greater one is scaled down."""
    precision: str = "fp32"
    """fp32, or bf16 (zero 1 up)."""
    zero: int = 0
    """What DeepSpeed shares out over processes: 0 nothing, 1 optimizer, 2 gradients, 3 weights."""
    offload: str = "none"
    """What lies in the host's memory: none, optimizer (zero 1 up), or all (zero 3)."""
    checkpoint_activations: bool = False
    """Compute layers again on the way back rather than keep them: less memory, a third slower."""
    save_every: int = 200
    """Steps between checkpoints."""
    keep: int = 2
    """Checkpoints that stay."""
    evaluate_every: int = 200
    """Steps between evaluations on the split `valid_split`, which choose the best; 0: never."""
    patience: int = 0
    """Evaluations without a better one after which training stops; 0: never."""
    train_split: str = "train"
    """The split to learn from."""
    valid_split: str = "valid"
    """The split to evaluate on: `lauter export export.valid=0.02` makes it."""
    threads: int = 0
    """Threads of a process on a CPU; 0: PyTorch's choice."""
    tensorboard: bool = True
    """Write TensorBoard's events beside log.jsonl."""
    launcher: str = "none"
    """Who starts the processes: none (this one alone), torchrun, deepspeed or ray."""
    processes: int = 1
    """How many."""
    restarts: int = 2
    """How often Ray starts them again after one died."""
    address: str = "local"
    """The Ray to join, as in ray.init; local starts one here."""
    speak_texts: int = 0
    """Held-out texts that the student says at each evaluation; its CER then chooses the best."""
    batches: BatchesSettings = field(default_factory=BatchesSettings)
    loss: LossesSettings = field(default_factory=LossesSettings)
    on_policy: OnPolicySettings = field(default_factory=OnPolicySettings)
    lora: LoraSettings = field(default_factory=LoraSettings)
