"""Many clients on one server for a while, a tenth of them hanging up early.

`make load` asks the student that comes with Lauter, served in a process of its own, with 200
clients for two minutes on loopback. Answers are held against what the server says to the same
request alone. Writes `bench/results/load.json`.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil
from engine import RESULTS, machine

from lauter.datasets.layout import speech_prompt
from lauter.datasets.prompts.phrases import phrase_texts
from lauter.teacher.step_audio.student_folder import StudentFolder, read_student_folder

ROOT = Path(__file__).resolve().parent.parent
STUDENT = ROOT / "student/shipped/phrases"
PROMPTS = 24
HANGS_UP = 0.1
MOST_GROWTH = 0.05
"""Of memory in the second half: more would be a leak."""
_PATIENCE_S = 120.0


@dataclass
class Found:
    """What came of a load: answers by kind, those that were wrong, and what was left behind.

    ``memory`` are bytes of the server's process: after warming up, half way, and in the end.
    """

    clients: int
    seconds: float
    answers: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    ids: int = 0
    retry_after: int = 0
    live: float = -1
    waiting: float = -1
    memory: list[int] = field(default_factory=list)


async def load(url: str, process: int, clients: int, seconds: float) -> Found:
    """Ask a server with so many clients for so long, and look at what is left of it."""
    prompts = prompts_of(read_student_folder(STUDENT))
    found = Found(clients, seconds)
    limits = httpx2.Limits(max_connections=clients + 10, max_keepalive_connections=clients)
    async with httpx2.AsyncClient(base_url=url, timeout=_PATIENCE_S, limits=limits) as client:
        right = [await answer_alone(client, prompt) for prompt in prompts]
        memory = psutil.Process(process).memory_info
        ends_at = time.monotonic() + seconds
        asking = [
            asyncio.create_task(one_client(client, prompts, right, number, ends_at, found))
            for number in range(clients)
        ]
        for share in (0.1, 0.5):
            await asyncio.sleep(max(0.0, ends_at - seconds * (1 - share) - time.monotonic()))
            found.memory.append(memory().rss)
        await asyncio.gather(*asking)
        for _ in range(200):
            found.live, found.waiting = await standing(client)
            if not found.live and not found.waiting:
                break
            await asyncio.sleep(0.05)
        found.memory.append(memory().rss)
    return found


def row_of(found: Found) -> dict[str, Any]:
    """Return what was found as plain figures."""
    return vars(found) | {"answers": dict(found.answers)}


def prompts_of(student: StudentFolder) -> list[list[int]]:
    """Return ids after which the student says a sentence each."""
    texts = phrase_texts(count=PROMPTS, seed=5)["text"].to_pylist()
    speaker = next(iter(student.facts["timbres"]))
    return [
        speech_prompt(student.tokenizer, student.vocabulary, text, system=speaker).tolist()
        for text in texts
    ]


def body_of(prompt: list[int]) -> dict[str, Any]:
    """Return a request for the likeliest answer, which is always the same."""
    return {"prompt": prompt, "max_tokens": 400, "temperature": 0, "return_token_ids": True}


async def answer_alone(client: httpx2.AsyncClient, prompt: list[int]) -> list[int]:
    """Return what the server says to a prompt while nobody else asks."""
    answer = await client.post("/v1/completions", json=body_of(prompt))
    answer.raise_for_status()
    ids: list[int] = answer.json()["choices"][0]["token_ids"]
    return ids


async def one_client(
    client: httpx2.AsyncClient,
    prompts: list[list[int]],
    right: list[list[int]],
    number: int,
    ends_at: float,
    found: Found,
) -> None:
    """Ask again and again until it is time; hang up now and then."""
    lots = random.Random(number)
    while time.monotonic() < ends_at:
        choice = lots.randrange(len(prompts))
        body = body_of(prompts[choice]) | {"stream": True}
        hangs_up_after = lots.randrange(1, 40) if lots.random() < HANGS_UP else None
        wait_s = await ask(client, body, right[choice], hangs_up_after, found)
        await asyncio.sleep(wait_s)


async def ask(
    client: httpx2.AsyncClient,
    body: dict[str, Any],
    right: list[int],
    hangs_up_after: int | None,
    found: Found,
) -> float:
    """Ask once; return how long to wait before the next time."""
    ids: list[int] = []
    try:
        async with client.stream("POST", "/v1/completions", json=body) as answer:
            if answer.status_code != 200:
                found.answers[f"http {answer.status_code}"] += 1
                told = answer.headers.get("Retry-After")
                found.retry_after += told is not None
                return float(told or 1)
            async for line in answer.aiter_lines():
                if line == "data: [DONE]":
                    found.answers["whole"] += 1
                    found.ids += len(ids)
                    found.wrong += ids != right
                    return 0.0
                if line.startswith("data: "):
                    for one in json.loads(line[6:]).get("choices", ()):
                        ids += one["token_ids"]
                if hangs_up_after is not None and len(ids) >= hangs_up_after:
                    found.answers["hung up"] += 1
                    return 0.0
    except httpx2.HTTPError as error:
        found.answers[type(error).__name__] += 1
        return 0.1
    found.answers["cut off"] += 1
    return 0.1


async def standing(client: httpx2.AsyncClient) -> tuple[float, float]:
    """Return how many rows the server speaks, and how many wait."""
    lines = (await client.get("/metrics")).text.splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return float(values["lauter_engine_live"]), float(values["lauter_engine_waiting"])


def main(clients: int = 200, seconds: float = 120.0) -> int:
    """Load a server, print and keep what was found; return 0 where nothing is amiss."""
    from demo_cluster import served

    with served(Path("load-server.log")) as (url, process):
        found = asyncio.run(load(url, process.pid, clients, seconds))
    Path("load-server.log").unlink(missing_ok=True)
    grown = found.memory[-1] / found.memory[0] - 1
    rows = [machine(), row_of(found) | {"memory_grown": round(grown, 4)}]
    (RESULTS / "load.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(json.dumps(rows[1], indent=1))
    refused = found.answers["http 429"]
    kinds = set(found.answers) - {"whole", "hung up", "http 429"}
    # Half of the time is enough for every buffer to be as large as it gets.
    late = found.memory[-1] / found.memory[1] - 1
    amiss = {
        "memory grew in the second half": late >= MOST_GROWTH,
        "answers were wrong": found.wrong,
        "rows or places in the queue are left": found.live or found.waiting,
        f"something else came: {', '.join(kinds)}": kinds,
        "a refusal had no Retry-After": found.retry_after != refused,
        "nothing was answered": not found.answers["whole"],
    }
    for sentence, is_so in amiss.items():
        if is_so:
            print(sentence)
    return int(any(amiss.values()))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
