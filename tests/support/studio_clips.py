"""A few utterances of the studio's neural voices, spoken once in a test run."""

from dataclasses import dataclass
from functools import cache

from lauter.datasets.audio import Clip
from lauter.datasets.records import Prompt, Request
from lauter.filters.protocol import Sample
from lauter.teacher.studio.studio import Studio

_PROMPTS = (
    Prompt("The kettle whistled while we looked for cups.", "en", "en-US", speaker="af_heart"),
    Prompt("Seven boats came home before the storm.", "en", "en-US", speaker="af_heart"),
    Prompt("The kettle whistled while we looked for cups.", "en", "en-US", speaker="am_michael"),
    Prompt("He keeps the ladder behind the garden wall.", "en", "en-US", speaker="am_michael"),
    Prompt("我们在湖边等了半个小时。", "zh", "cmn", speaker="zf_xiaobei"),
    Prompt("他把旧报纸放在门口。", "zh", "cmn", speaker="zf_xiaobei"),
    Prompt("窓の外で犬が吠えています。", "ja", "ja-JP", speaker="jf_alpha"),
    Prompt("母は台所で魚を焼いています。", "ja", "ja-JP", speaker="jf_alpha"),
)


@dataclass(frozen=True)
class Utterance:
    """A prompt and its speech."""

    prompt: Prompt
    clip: Clip

    @property
    def sample(self) -> Sample:
        """The utterance as a scorer sees it."""
        return sample_of(self.clip, self.prompt)


@cache
def studio_clips() -> tuple[Utterance, ...]:
    """Return two utterances each of four voices; of the first two voices one text is the same."""
    studio = Studio()
    requests = [Request(prompt, studio.name, studio.fingerprint(), 0) for prompt in _PROMPTS]
    utterances = []
    for request, speech in zip(requests, studio.speak(requests), strict=True):
        assert not isinstance(speech, Exception), speech
        utterances.append(Utterance(request.prompt, Clip.of(speech.samples, speech.sample_rate)))
    return tuple(utterances)


def sample_of(clip: Clip, prompt: Prompt | None = None, **options: object) -> Sample:
    """Return a sample of ``clip``; ``options`` are the other fields of ``Sample``."""
    prompt = prompt or Prompt("Words.", "en", "en-US")
    return Sample(Request(prompt, "test", "", 0, "0" * 32), clip, **options)  # type: ignore[arg-type]
