"""What is asked, and how an answer is read: goldens of vLLM's format, and all that is none."""

import json
from typing import Any

import numpy as np
import pytest
from completion_server import request_of
from hypothesis import given
from hypothesis import strategies as st

from lauter.teacher.step_audio.completion import CompletionRequest
from lauter.teacher.step_audio.wire import Answer, FailedAttemptError, completion_body


def request(*, max_tokens: int = 10, top: int = 0) -> CompletionRequest:
    return CompletionRequest("k", np.asarray([1, 4, 99], np.int64), 11, max_tokens, (3,), top)


def chunk(*ids: int, end: str | None = None, top: list[dict[str, float]] | None = None) -> str:
    choice: dict[str, Any] = {"index": 0, "text": "x", "finish_reason": end, "token_ids": [*ids]}
    if top is not None:
        choice["logprobs"] = {"tokens": [], "token_logprobs": [], "top_logprobs": top}
    return json.dumps({"id": "cmpl-1", "object": "text_completion", "choices": [choice]})


def read(request: CompletionRequest, *chunks: str) -> tuple[list[int], bool, Any]:
    answer = Answer(request)
    for data in chunks:
        answer.take(data)
    ids, ended, top = answer.result()
    assert ids.dtype == np.int64
    return ids.tolist(), ended, top


def test_the_body_is_what_vllm_takes() -> None:
    sampling = {"temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.05}
    assert completion_body(request(top=4), "step", sampling) == {
        "temperature": 0.7,
        "top_p": 0.9,
        "repetition_penalty": 1.05,
        "model": "step",
        "prompt": [1, 4, 99],
        "seed": 11,
        "max_tokens": 10,
        "stop_token_ids": [3],
        "stream": True,
        "skip_special_tokens": False,
        "return_token_ids": True,
        "logprobs": 4,
        "return_tokens_as_token_ids": True,
    }
    json.dumps(completion_body(request_of(1), "step", {}))


def test_without_likeliest_none_are_asked_for() -> None:
    assert not {"logprobs", "return_tokens_as_token_ids"} & set(
        completion_body(request(), "step", {})
    )


def test_the_stop_id_is_no_part_of_the_answer_whether_it_is_sent_or_not() -> None:
    assert read(request(), chunk(7, 8), chunk(9, 3, end="stop")) == ([7, 8, 9], True, None)
    assert read(request(), chunk(7, 8), chunk(9, end="stop")) == ([7, 8, 9], True, None)
    assert read(request(), chunk(7, 8), chunk(3), chunk(end="stop")) == ([7, 8], True, None)


def test_an_answer_that_was_cut_at_its_length_has_not_ended() -> None:
    assert read(request(max_tokens=2), chunk(7, 3, end="length")) == ([7, 3], False, None)


def test_usage_and_done_say_nothing_of_the_answer() -> None:
    usage = json.dumps({"choices": [], "usage": {"completion_tokens": 1}})
    assert read(request(), chunk(7, end="stop"), usage, "[DONE]") == ([7], True, None)


def test_the_likeliest_stand_in_order_and_are_no_more_than_asked_for() -> None:
    top = [
        {"token_id:7": -9.0, "token_id:5": -0.1, "token_id:6": -2.5},
        {"token_id:3": -0.2, "token_id:9": -1.9},
    ]
    ids, ended, found = read(request(top=2), chunk(7, 3, end="stop", top=top))
    assert (ids, ended) == ([7], True)
    assert [list(one.items()) for one in found] == [
        [(5, -0.1), (6, -2.5)],
        [(3, -0.2), (9, -1.9)],
    ]


def test_the_likeliest_of_the_stop_id_may_come_without_it() -> None:
    top = [{"token_id:7": -0.1}, {"token_id:3": -0.2}]
    assert read(request(top=1), chunk(7, end="stop", top=top))[2] == [{7: -0.1}, {3: -0.2}]


@pytest.mark.parametrize(
    ("outcome", "chunks"),
    [
        ("no json", ["{bro"]),
        ("no json", [""]),
        ("no json", ["[" * 100_000]),
        ("garbage", ["[]"]),
        ("garbage", ["3"]),
        ("garbage", ["null"]),
        ("garbage", ['{"other": 1}']),
        ("garbage", ['{"choices": 5}']),
        ("garbage", ['{"choices": [7]}']),
        ("garbage", ['{"choices": [{"token_ids": 5}]}']),
        ("garbage", ['{"choices": [{"token_ids": ["a"]}]}']),
        ("garbage", ['{"choices": [{"token_ids": [1.5]}]}']),
        ("garbage", ['{"choices": [{"token_ids": [true]}]}']),
        ("garbage", ['{"choices": [{"token_ids": [-1]}]}']),
        ("garbage", ['{"choices": [{"token_ids": [99999999999999999999]}]}']),
        ("garbage", ['{"choices": [{"text": "hello", "finish_reason": null}]}']),
        ("too long", [chunk(*range(11))]),
        ("too long", [chunk(7)] * 11),
        ("cut off", [chunk(7)]),
        ("cut off", [chunk(7), "[DONE]"]),
        ("cut off", [chunk(7, end="abort")]),
        ("http 503", ['{"error": {"message": "engine died", "code": 503}}']),
        ("http 500", ['{"error": {"message": "engine died", "code": "engine"}}']),
        ("garbage", ['{"error": "engine died"}']),
    ],
)
def test_what_is_no_answer_has_a_countable_reason(outcome: str, chunks: list[str]) -> None:
    with pytest.raises(FailedAttemptError) as failed:
        read(request(), *chunks)
    assert failed.value.outcome == outcome


@pytest.mark.parametrize(
    ("outcome", "top"),
    [
        ("no logprobs", None),
        ("no logprobs", []),
        ("no logprobs", [{"token_id:7": -0.1}]),
        ("no logprobs", [{"token_id:7": -0.1}] * 3),
        ("no logprobs", [{"a": -0.1}, {"b": -0.2}]),
        ("no logprobs", [None, {"token_id:3": -0.2}]),
        ("garbage", [{"token_id:x": -0.1}, {"token_id:3": -0.2}]),
        ("garbage", [{"token_id:7": "likely"}, {"token_id:3": -0.2}]),
        ("garbage", [{"token_id:7": float("nan")}, {"token_id:3": -0.2}]),
    ],
)
def test_likeliest_ids_that_do_not_fit_are_refused(outcome: str, top: Any) -> None:
    with pytest.raises(FailedAttemptError) as failed:
        read(request(top=2), chunk(7, 3, end="stop", top=top))
    assert failed.value.outcome == outcome


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "token_ids",
                    "text",
                    "finish_reason",
                    "logprobs",
                    "top_logprobs",
                    "error",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(st.lists(st.text(max_size=20) | JSON.map(json.dumps), max_size=4), st.integers(0, 2))
def test_whatever_a_server_says_is_an_answer_or_a_failed_attempt(
    chunks: list[str], top: int
) -> None:
    try:
        ids, _, _ = read(request(top=top), *chunks)
    except FailedAttemptError as failed:
        assert failed.outcome
    else:
        assert len(ids) <= 10


def test_a_server_may_say_what_of_its_devices_time_an_answer_took() -> None:
    whole = json.loads(chunk(7, end="stop"))
    answer = Answer(request())
    answer.take(chunk(5))
    assert answer.device_s is None
    whole["choices"][0]["device_s"] = 0.25
    answer.take(json.dumps(whole))
    assert answer.device_s == 0.25


@pytest.mark.parametrize("told", ["soon", -1, [0.1], float("nan"), float("inf")])
def test_a_time_that_is_none_is_garbage(told: object) -> None:
    whole = json.loads(chunk(7, end="stop"))
    whole["choices"][0]["device_s"] = told
    with pytest.raises(FailedAttemptError, match="garbage"):
        Answer(request()).take(json.dumps(whole))
