"""The settings of what is done with students and their codec, training apart."""

from dataclasses import dataclass


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
    has encoded, and leaves its codes as they are, so that what it encoded stays of use; students
    take their voices' timbres anew (`distill` once more). Stopped, it begins again."""
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
