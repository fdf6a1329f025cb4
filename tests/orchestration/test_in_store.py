"""A project in a bucket: every command on s3://, against a server, and its errors as sentences."""

import json
from pathlib import Path

import pytest
import s3fs
from asking import Answer, Ask, settings_in
from coded_export import coded_export
from midget import midget
from s3_server import S3Server

from lauter.datasets.corpus import Corpus
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.store_lock import locks_in
from lauter.datasets.store_path import StorePath


@pytest.mark.slow
def test_a_project_lies_in_a_bucket_and_is_the_one_on_a_disk(
    ask: Ask, bucket: str, spoken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    words = [f"corpus={bucket}/corpus", *settings_in(tmp_path)[1:]]
    done(ask("plan", *words), "6 requests planned", f"6 are not in {bucket}/corpus yet")
    done(ask("synthesize", *words, "commit.rows=2", "tag=spoken"), "added 6 rows")
    done(ask("synthesize", *words), "added 0 rows")
    done(ask("plan", *words), "0 are not in")
    corpus = Corpus.open(f"{bucket}/corpus")
    assert corpus.digest() == Corpus.open(spoken).digest()
    assert corpus.tags().keys() == {"spoken"} and not locks_in(StorePath(f"{bucket}/corpus"))

    judged = ask("judge", f"corpus={bucket}/corpus", "policy=permissive")
    done(judged, f"account of the last run  {bucket}/corpus/run.json")
    for form in ("webdataset", "lance"):
        place = f"{bucket}/{form}"
        asked = ["export", f"corpus={bucket}/corpus", f"export.folder={place}"]
        done(ask(*asked, f"export.format={form}"), "6 accepted utterances", f" in {place}, ")
        read = [sample.key for batch, _ in SpeechLoader(place) for sample in batch]
        assert sorted(read) == sorted(corpus.take_rows(range(6))["request_id"].to_pylist())
        refused = ask(*asked, f"export.format={form}")
        assert refused.code == 2 and f"{place} is there already" in refused.err
    told = ask("audit", f"corpus={bucket}/corpus", f"audit.page={bucket}/audit.html")
    done(told, f"accepted speech, exported    {bucket}/lance", f"{bucket}/audit.html")
    page = (StorePath(bucket) / "audit.html").read_text()
    assert page.count("<audio") >= 2 and f"{bucket}/corpus" in page
    run = json.loads((StorePath(bucket) / "corpus" / "run.json").read_text())
    assert run["command"] == "judge" and run["settings"]["corpus"] == f"{bucket}/corpus"
    assert not list(Path.cwd().iterdir())  # such as a folder "s3:"


def done(answer: Answer, *told: str) -> None:
    assert answer.code == 0, answer
    assert all(words in " ".join(answer.out.split("\n")) for words in told), answer


def test_a_student_learns_from_shards_in_a_bucket_what_it_learns_from_a_disk(
    ask: Ask, bucket: str, tmp_path: Path
) -> None:
    coded_export(tmp_path / "data", 30)
    midget(tmp_path / "init")
    for file in (tmp_path / "data").rglob("*.*"):
        (StorePath(bucket) / file.relative_to(tmp_path).as_posix()).upload(str(file))
    losses = []
    for place in (tmp_path, bucket):
        output = tmp_path / f"run-{len(losses)}"
        settings = {
            "data": f"{place}/data", "output": output, "init": tmp_path / "init", "preset": "null",
            "steps": 2, "evaluate_every": 2, "speak_texts": 0, "threads": 1,
            "batches.batch_tokens": 400, "batches.micro_tokens": 200,
        }  # fmt: skip
        done(ask("distill", *(f"distill.{name}={value}" for name, value in settings.items())))
        lines = (output / "log.jsonl").read_text().splitlines()
        losses.append([json.loads(line).get("loss") for line in lines])
    assert losses[0] == losses[1] and any(losses[0])


def test_what_goes_wrong_with_a_store_is_one_sentence(
    ask: Ask, bucket: str, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*words: str, sentence: str) -> None:
        answer = ask(*words)
        assert answer.code == 2 and answer.out == "" and answer.err.count("\n") == 1, answer
        assert sentence in answer.err, answer.err

    refused("judge", f"corpus={bucket}/c", sentence=f"{bucket}/c is no corpus; name a folder")
    refused("judge", "corpus=s3://not-made/c", sentence="there is no bucket s3://not-made; make")
    refused("judge", "corpus=s3:/a/b", sentence="write s3:// and give it as text")
    refused("judge", "corpus=swift://a/b", sentence="is in no store that is known")
    refused("plan", "corpus=gs://a/b", sentence="its driver is not here (Please install gcsfs")
    for key in ("preview.folder", "speaking.out", "distill.output"):
        refused("plan", f"{key}={bucket}/x", sentence=f"{key} is {bucket}/x, and can only be on a")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    refused("judge", f"corpus={bucket}/c", sentence="cannot be reached (Could not connect to the")
    # Another name of the same server: what was opened with keys is remembered with them.
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url.replace("127.0.0.1", "localhost"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    refused("judge", f"corpus={bucket}/c", sentence="no keys were found for s3://")
