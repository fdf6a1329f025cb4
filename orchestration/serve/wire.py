"""Bodies of requests: OpenAI's names, vLLM's for what OpenAI has none, and ours.

What is not known here is refused instead of being left unheeded; what is known and cannot be done
is refused where it is asked for.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Share = Annotated[float, Field(gt=0, le=1)]
_Temperature = Annotated[float, Field(ge=0, le=100)]
_Id = Annotated[int, Field(ge=0, lt=2**31)]
_Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Known(BaseModel):
    """An object of which every key is known; null is as good as nothing."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def without_nulls(cls, given: Any) -> Any:
        """Leave out keys that say null, as some clients write what they do not say."""
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if value is not None}


class Body(Known):
    """A body."""

    model: str | None = None
    user: str | None = None
    seed: _Seed | None = None


class Drawing(Body):
    """How ids are drawn; what is not given is as the server was told at its start.

    ``top_k`` and ``min_p`` of others are not offered: -1 and 0 are taken, which ask for nothing.
    """

    temperature: _Temperature | None = None
    top_p: _Share | None = None
    repetition_window: Annotated[int, Field(ge=0, le=4096)] | None = None
    repetition_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    constrained: bool | None = None
    top_k: Literal[-1, 0] = -1
    min_p: Literal[0] = 0
    presence_penalty: Literal[0] = 0
    frequency_penalty: Literal[0] = 0
    repetition_penalty: Literal[1] = 1
    stop_token_ids: list[_Id] | None = None


class StreamOptions(Known):
    """What a stream ends with."""

    include_usage: bool = False
    continuous_usage_stats: Literal[False] = False


class Voice(Known):
    """A voice by its name."""

    id: str


class CompletionBody(Drawing):
    """`/v1/completions`.

    ``skip_special_tokens`` changes nothing: ids of control have no text either way.
    """

    prompt: str | list[str] | list[_Id] | list[list[_Id]]
    max_tokens: Annotated[int, Field(ge=1)] | None = 16
    n: Annotated[int, Field(ge=1)] = 1
    best_of: Literal[1] | None = None
    echo: Literal[False] = False
    stop: Annotated[list[str], Field(max_length=0)] | None = None
    suffix: None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None
    logprobs: Annotated[int, Field(ge=0)] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    return_token_ids: bool = False
    return_tokens_as_token_ids: bool = False
    skip_special_tokens: bool = True
    min_tokens: Literal[0] = 0
    ignore_eos: Literal[False] = False


class SpeechBody(Drawing):
    """`/v1/audio/speech`; how it is said goes by the columns of a prompt."""

    input: str
    voice: str | Voice | None = None
    response_format: Literal["mp3", "opus", "flac", "wav", "pcm"] = "mp3"
    speed: Literal[1] = 1
    stream_format: Literal["audio"] = "audio"
    instructions: Literal[""] | None = None
    dialect: str = ""
    emotion: str = "neutral"
    emotion_level: int = 0
    style: str = "plain"
    speed_level: int = 0


class AudioWish(Known):
    """In what voice and format a chat answers."""

    voice: str | Voice = ""
    format: Literal["mp3", "opus", "flac", "wav", "pcm16"] = "wav"


class Message(Known):
    """One turn of a chat."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None


class ChatBody(Drawing):
    """`/v1/chat/completions`."""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Annotated[int, Field(ge=1)] = 1
    modalities: list[Literal["text", "audio"]] = ["text"]
    audio: AudioWish | None = None
    stop: Annotated[list[str], Field(max_length=0)] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    logprobs: Literal[False] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
