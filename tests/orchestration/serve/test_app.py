"""The server on a real socket, asked by OpenAI's own client."""

import base64
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import numpy as np
import openai
import pytest
import soundfile
from served_student import idle, listening, served_student
from taught_student import SPEAKER, TAUGHT, write_taught_student, write_untrained_codec

from lauter.datasets.codes import codes_as_text
from lauter.datasets.layout import COMPACT, END, speech_prompt
from lauter.datasets.marking import Synthetic, marks_of
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.orchestration.serve.served import Limits, Served
from lauter.student.generation import Sampling
from lauter.student.speak import Student

GREEDY = Sampling(temperature=0)
ONE = speech_prompt(ByteTokenizer(), COMPACT, "one", system=SPEAKER).tolist()
CODES = COMPACT.ids_of(TAUGHT["one"]).tolist()


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Student:
    folder = tmp_path_factory.mktemp("served")
    codec = write_untrained_codec(folder / "codec")
    written = write_taught_student(folder / "student", codec)
    return Student.open(written, codec=codec, sampling=GREEDY)


@pytest.fixture(scope="module")
def served(student: Student) -> Iterator[Served]:
    limits = Limits(body_bytes=20_000, characters=40, choices=4, top=8, seconds=60, named=2000)
    with served_student(student, limits=limits) as made:
        yield made


@pytest.fixture(scope="module")
def address(served: Served) -> Iterator[str]:
    with listening(served) as url:
        yield url


@pytest.fixture
def client(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=address, api_key="none", max_retries=0, timeout=60)


EXTRA = {"return_token_ids": True, "return_tokens_as_token_ids": True}


def test_ids_go_in_and_ids_come_out(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="student", prompt=ONE, max_tokens=40, extra_body=EXTRA)
    (choice,) = answer.choices
    assert choice.token_ids == [*CODES, END]
    assert choice.finish_reason == "stop"
    assert choice.text == codes_as_text(TAUGHT["one"])
    assert answer.usage.completion_tokens == len(CODES) + 1
    assert answer.usage.prompt_tokens == len(ONE)


def test_answers_say_what_of_the_devices_time_they_took(client: openai.OpenAI) -> None:
    started = time.perf_counter()
    with ThreadPoolExecutor(4) as clients:
        answers = list(
            clients.map(
                lambda _: client.completions.create(model="student", prompt=ONE, max_tokens=40),
                range(4),
            )
        )
    wall_s = time.perf_counter() - started
    spent = [answer.choices[0].device_s for answer in answers]
    assert all(one > 0 for one in spent)
    assert sum(spent) <= wall_s


def test_a_stream_brings_the_same_ids(client: openai.OpenAI) -> None:
    ids, text, finishes, usage = [], "", [], None
    for piece in client.completions.create(
        model="student", prompt=ONE, max_tokens=40, stream=True,
        stream_options={"include_usage": True}, extra_body=EXTRA,
    ):  # fmt: skip
        usage = piece.usage or usage
        for choice in piece.choices:
            ids += choice.token_ids
            text += choice.text
            finishes.append(choice.finish_reason)
    assert ids == [*CODES, END]
    assert text == codes_as_text(TAUGHT["one"])
    assert finishes[-1] == "stop"
    assert not any(finishes[:-1])
    assert usage.completion_tokens == len(CODES) + 1


def test_what_is_not_finished_says_so(client: openai.OpenAI) -> None:
    (choice,) = client.completions.create(model="student", prompt=ONE, max_tokens=3).choices
    assert choice.finish_reason == "length"


def test_log_probabilities_name_the_likeliest_ids(client: openai.OpenAI) -> None:
    (choice,) = client.completions.create(
        model="student", prompt=ONE, max_tokens=40, logprobs=3, extra_body=EXTRA
    ).choices
    tops = choice.logprobs.top_logprobs
    assert [len(top) for top in tops] == [3] * (len(CODES) + 1)
    first = max(tops[0], key=tops[0].get)
    assert first == f"token_id:{CODES[0]}" == choice.logprobs.tokens[0]
    assert choice.logprobs.token_logprobs[0] == tops[0][first] <= 0
    assert choice.logprobs.text_offset[1] == len(codes_as_text(TAUGHT["one"][:1]))


def test_the_drawn_id_is_among_the_named_ones_however_unlikely(client: openai.OpenAI) -> None:
    (choice,) = client.completions.create(
        model="student", prompt=[20, 30], max_tokens=30, temperature=3, top_p=1.0, logprobs=1,
        extra_body=EXTRA | {"constrained": False},
    ).choices  # fmt: skip
    told = choice.logprobs
    assert all(value is not None for value in told.token_logprobs)
    assert all(name in top for name, top in zip(told.tokens, told.top_logprobs, strict=True))
    assert {len(top) for top in told.top_logprobs} <= {1, 2}


def test_nulls_ask_for_nothing(address: str) -> None:
    body = {"prompt": ONE, "n": None, "stream": None, "echo": None, "presence_penalty": None}
    assert httpx2.post(f"{address}/completions", json=body).status_code == 200


@pytest.mark.parametrize("wild", [{"temperature": 1e-40}, {"top_p": 1e-300}])
def test_the_wildest_sampling_breaks_nothing(address: str, wild: dict[str, float]) -> None:
    body = {"prompt": ONE, "max_tokens": 40, "return_token_ids": True, "temperature": 1.0} | wild
    (choice,) = httpx2.post(f"{address}/completions", json=body).json()["choices"]
    assert choice["token_ids"] == [*CODES, END]


def test_the_same_seed_gives_the_same_and_another_another(client: openai.OpenAI) -> None:
    def said(seed: int) -> list[int]:
        (choice,) = client.completions.create(
            model="student", prompt=[20, 30, 40], max_tokens=30, temperature=1.5, top_p=1.0,
            seed=seed, extra_body=EXTRA,
        ).choices  # fmt: skip
        return choice.token_ids

    assert said(1) == said(1) != said(2)


def test_several_prompts_and_choices_come_back_by_their_index(client: openai.OpenAI) -> None:
    two = speech_prompt(ByteTokenizer(), COMPACT, "two three", system=SPEAKER).tolist()
    answer = client.completions.create(
        model="student", prompt=[ONE, two], n=2, max_tokens=40, extra_body=EXTRA
    )
    by_index = {choice.index: choice.token_ids[:-1] for choice in answer.choices}
    others = COMPACT.ids_of(TAUGHT["two three"]).tolist()
    assert by_index == {0: CODES, 1: CODES, 2: others, 3: others}


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "opus"])
def test_a_text_becomes_sound_of_its_length(client: openai.OpenAI, kind: str) -> None:
    answer = client.audio.speech.create(
        model="student", voice=SPEAKER, input="one", response_format=kind
    )
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    expected_s = len(TAUGHT["one"]) / 5 * 0.12
    assert len(samples) / rate == pytest.approx(expected_s, abs=0.1)


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "opus"])
def test_a_sound_says_that_it_is_synthetic_and_whose(
    client: openai.OpenAI, served: Served, kind: str
) -> None:
    ids = []
    for seed in (1, 1, 2):
        answer = client.audio.speech.create(
            model="student", voice=SPEAKER, input="one", response_format=kind,
            extra_body={"seed": seed},
        )  # fmt: skip
        marks = marks_of(answer.content)
        assert marks is not None and marks.synthetic == Synthetic.YES
        assert (marks.teacher, marks.teacher_fingerprint) == ("student", served.checkpoint)
        assert marks.voice == SPEAKER
        ids.append(marks.request_id)
    assert ids[0] == ids[1] != ids[2]


def test_raw_pcm_is_sixteen_bits_at_24_khz(client: openai.OpenAI) -> None:
    answer = client.audio.speech.create(
        model="student", voice=SPEAKER, input="one", response_format="pcm"
    )
    assert len(np.frombuffer(answer.content, "<i2")) == len(TAUGHT["one"]) // 5 * 2880


def test_a_chat_is_answered_with_sound_and_its_words(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="student", messages=[{"role": "user", "content": "one"}],
        modalities=["text", "audio"], audio={"voice": SPEAKER, "format": "wav"},
    )  # fmt: skip
    sound = answer.choices[0].message.audio
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound.data)))
    assert len(samples) / rate == pytest.approx(len(TAUGHT["one"]) / 5 * 0.12, abs=0.01)
    assert sound.transcript == "one"
    marks = marks_of(base64.b64decode(sound.data))
    assert marks is not None and marks.voice == SPEAKER


def test_a_chat_streams_its_turn(client: openai.OpenAI) -> None:
    pieces = client.chat.completions.create(
        model="student", messages=[{"role": "user", "content": "one"}], stream=True
    )
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert text == codes_as_text(TAUGHT["one"])


def test_a_chats_stream_ends_with_its_usage(client: openai.OpenAI) -> None:
    *_, last = client.chat.completions.create(
        model="student", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    assert last.usage.completion_tokens == len(CODES) + 1


def test_the_model_says_what_it_is(client: openai.OpenAI, address: str) -> None:
    (card,) = client.models.list().data
    assert (card.id, card.checkpoint) == ("student", "c0ffee")
    assert card.voices == [SPEAKER]
    assert client.models.retrieve("student").id == "student"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")
    root = address.removesuffix("/v1")
    assert httpx2.get(f"{root}/health").json() == {"status": "ok"}
    assert httpx2.get(f"{root}/version").json()["version"]
    assert "lauter_engine_tokens" in httpx2.get(f"{root}/metrics").text


HELLO = [{"role": "user", "content": "one"}]
BAD = [
    ("completions", {"prompt": ONE, "max_tokens": 500}, 400, "context"),
    ("completions", {"prompt": [9999]}, 400, "the model knows 0 to 5439"),
    ("completions", {"prompt": []}, 400, "empty"),
    ("completions", {"prompt": ONE, "n": 9}, 400, "gives 4"),
    ("completions", {"prompt": ONE, "logprobs": 20}, 400, "gives 8 at most"),
    ("completions", {"prompt": ONE, "tempurature": 1}, 400, "tempurature: is not known here"),
    ("completions", {"prompt": ONE, "temperature": -1}, 400, "temperature"),
    ("completions", {"prompt": ONE, "model": "gpt"}, 404, "there is no model 'gpt'"),
    ("completions", {"prompt": ONE, "model": "\ud800"}, 404, "there is no model"),
    ("completions", {"prompt": [10**20]}, 400, "prompt"),
    ("completions", {"prompt": ONE, "logprobs": 8, "max_tokens": 300, "n": 4}, 400, "lower max"),
    ("audio/speech", {"input": "one", "voice": {"name": "x"}}, 400, "voice"),
    ("completions", {"prompt": {"a": 1}}, 400, "prompt"),
    ("completions", {"prompt": "a" * 30_000}, 413, "send less"),
    ("audio/speech", {"input": "one " * 20}, 400, "send it in parts"),
    ("audio/speech", {"input": " "}, 400, "empty"),
    ("audio/speech", {"input": "one", "voice": "nobody"}, 400, "it has Ada"),
    ("audio/speech", {"input": "one", "emotion": "envy"}, 400, "knows no emotion 'envy'"),
    ("audio/speech", {"input": "one", "response_format": "aac"}, 400, "response_format"),
    ("chat/completions", {"messages": []}, 400, "messages"),
    ("chat/completions", {"messages": [{"role": "assistant", "content": "a"}]}, 400, "user"),
    (
        "chat/completions",
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        400,
        "image_url",
    ),
    (
        "chat/completions",
        {"messages": [{"role": "assistant", "audio": {"id": "a"}}]},
        400,
        "audio: is not known here",
    ),
    ("chat/completions", {"messages": HELLO, "audio": {"voise": "a"}}, 400, "voise"),
    ("nowhere", {}, 404, "Not Found"),
]


@pytest.mark.parametrize(("path", "body", "status", "sentence"), BAD)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    address: str, served: Served, path: str, body: dict[str, object], status: int, sentence: str
) -> None:
    json_type = {"content-type": "application/json"}
    answer = httpx2.post(f"{address}/{path}", content=json.dumps(body), headers=json_type)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]["message"]
    load = idle(served)
    assert (load.live, load.waiting) == (0, 0)


def test_a_body_that_is_no_json_is_refused(address: str) -> None:
    answer = httpx2.post(f"{address}/completions", content=b"{", headers={
        "content-type": "application/json"
    })  # fmt: skip
    assert answer.status_code == 400


def test_who_hangs_up_frees_the_row(served: Served, address: str) -> None:
    body = {"prompt": [20, 30], "max_tokens": 390, "temperature": 3, "constrained": False,
            "stream": True, "stop_token_ids": [], "top_p": 1, "seed": 0}  # fmt: skip
    before = idle(served)
    for _ in range(6):
        with httpx2.stream("POST", f"{address}/completions", json=body) as answer:
            assert next(answer.iter_lines()).startswith("data:")
    for _ in range(3):
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(f"{address}/completions", json=body | {"stream": False}, timeout=0.05)
    load = idle(served)
    assert load.finished + load.cancelled == before.finished + before.cancelled + 9
    assert load.cancelled > before.cancelled


def test_a_full_queue_is_a_429_that_says_when_to_come_back(student: Student) -> None:
    body = {"prompt": [20, 30], "max_tokens": 380, "temperature": 3, "constrained": False}
    with served_student(student, rows=1, most_waiting=1) as served, listening(served) as url:
        with ThreadPoolExecutor(12) as pool:
            answers = list(
                pool.map(
                    lambda seed: httpx2.post(
                        f"{url}/completions", json=body | {"seed": seed}, timeout=60
                    ),
                    range(12),
                )
            )
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert {answer.status_code for answer in answers} == {200, 429}
        assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
        assert {answer.json()["error"]["type"] for answer in refused} == {"rate_limit_error"}
        streamed = body | {"stream": True}
        with ThreadPoolExecutor(12) as pool:
            again = pool.map(
                lambda seed: (
                    httpx2.post(
                        f"{url}/completions", json=streamed | {"seed": seed}, timeout=60
                    ).status_code
                ),
                range(12),
            )
        assert set(again) == {200, 429}


def test_an_answer_that_takes_too_long_is_a_504_and_frees_its_row(student: Student) -> None:
    # With this seed neither answer comes to an end by itself.
    body = {"prompt": [20, 30], "max_tokens": 390, "temperature": 3, "constrained": False,
            "seed": 0}  # fmt: skip
    limits = Limits(seconds=0.05)
    with served_student(student, limits=limits) as served, listening(served) as url:
        answer = httpx2.post(f"{url}/completions", json=body, timeout=60)
        assert answer.status_code == 504
        assert "0.05 s" in answer.json()["error"]["message"]
        streamed = httpx2.post(f"{url}/completions", json=body | {"stream": True}, timeout=60)
        last = streamed.text.strip().rsplit("\n", 1)[-1]
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == 504
        chat = {"messages": HELLO, "stream": True, "max_tokens": 350} | {
            name: body[name] for name in ("temperature", "constrained", "seed")
        }
        streamed = httpx2.post(f"{url}/chat/completions", json=chat, timeout=60)
        assert "504" in streamed.text
        assert idle(served).cancelled == 3


def test_without_its_key_a_server_says_nothing_but_how_it_is(served: Served) -> None:
    with listening(served, keys=["open sesame", "second"]) as url:
        refused = httpx2.get(f"{url}/models")
        assert (refused.status_code, "key" in refused.text) == (401, True)
        wrong = {"Authorization": "Bearer open sesam"}
        assert httpx2.get(f"{url}/models", headers=wrong).status_code == 401
        client = openai.OpenAI(base_url=url, api_key="second")
        assert client.models.list().data
        for path in ("health", "version", "metrics"):
            assert httpx2.get(f"{url.removesuffix('/v1')}/{path}").status_code == 200


def test_a_server_that_is_told_to_end_finishes_what_it_has(served: Served) -> None:
    body = {"prompt": [20, 30], "max_tokens": 380, "temperature": 3, "constrained": False}
    with ThreadPoolExecutor(4) as pool:
        with listening(served) as url:
            before = idle(served).finished
            asked = [
                pool.submit(httpx2.post, f"{url}/completions", json=body | {"seed": seed},
                            timeout=60)
                for seed in range(4)
            ]  # fmt: skip
            while (load := served.engine.load()).live + load.finished < before + 4:
                time.sleep(0.001)
        answers = [one.result().json() for one in asked]
    for answer in answers:
        (choice,) = answer["choices"]
        whole = answer["usage"]["completion_tokens"] == 380
        assert choice["finish_reason"] == ("length" if whole else "stop")


def test_the_folder_of_a_student_is_served_by_one_command(student: Student, tmp_path: Path) -> None:
    import subprocess
    import sys

    codec = write_untrained_codec(tmp_path / "codec")
    folder = write_taught_student(tmp_path / "ada", codec)
    command = [
        Path(sys.executable).with_name("lauter"), "serve", f"student={folder}",
        f"codec.folder={codec}", "serve.port=0",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        said = process.stdout.readline()
        url = said.split(" on ")[1].split(" ")[0]
        (choice,) = httpx2.post(
            f"{url}/completions",
            json={"prompt": ONE, "max_tokens": 40, "temperature": 0, "return_token_ids": True},
            timeout=60,
        ).json()["choices"]
        assert choice["token_ids"] == [*CODES, END]
        process.terminate()
        assert process.wait(60) == 0
        assert "the server has ended" in process.stdout.read()
