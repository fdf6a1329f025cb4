"""Weights: found where they should be, checked, joined once, and never run."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lauter.datasets import weights
from lauter.datasets.carriers import WEIGHTS, Carrier, Part, Weight, WeightFile
from lauter.datasets.errors import UsageError
from lauter.datasets.weights import find, fingerprint, sha256_of, status


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("LAUTER_CACHE", str(folder))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return folder


@pytest.fixture
def two_parts(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A weight 'tiny' of one file in two parts, carried by two packages made for the test."""
    parts, files = [], {}
    for package, content in (("carrier_one", b"first half, "), ("carrier_two", b"second half")):
        file = tmp_path / "site" / package / "part.bin"
        file.parent.mkdir(parents=True)
        (file.parent / "__init__.py").write_text("raise RuntimeError('a carrier was run')")
        file.write_bytes(content)
        files[package] = file
        parts.append(Part(package, "part.bin", hashlib.sha256(content).hexdigest()))
    whole = WeightFile(
        "tiny.bin", hashlib.sha256(b"first half, second half").hexdigest(), (*parts,)
    )
    carrier = Carrier((whole,), "pip install carrier-one==1 carrier-two==1")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setitem(WEIGHTS, "tiny", Weight("a test", "CC0-1.0", (carrier,), "nothing"))
    return files


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_weight_of_the_house_is_here_and_bears_its_hash(name: str) -> None:
    place = find(name)
    carriers = WEIGHTS[name].carriers
    held = {
        file.name: sha256_of(file) for file in ([place] if place.is_file() else place.iterdir())
    }
    assert set(held.values()) in [{file.sha256 for file in carrier.files} for carrier in carriers]


def test_finding_weights_runs_no_carrier() -> None:
    script = (
        "import json, sys; from lauter.datasets.weights import status; status();"
        "print(json.dumps(list(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )
    loaded = {module.split(".")[0] for module in json.loads(shown.stdout)}
    carriers = {
        part.package
        for weight in WEIGHTS.values()
        for carrier in weight.carriers
        for file in carrier.files
        for part in file.parts
    }
    assert not loaded & carriers


def test_parts_are_joined_in_order(two_parts: dict[str, Path]) -> None:
    assert find("tiny").read_bytes() == b"first half, second half"


def test_a_damaged_part_is_named_with_what_to_reinstall(two_parts: dict[str, Path]) -> None:
    two_parts["carrier_two"].write_bytes(b"second HALF")
    with pytest.raises(UsageError) as refused:
        find("tiny")
    assert str(two_parts["carrier_two"]) in str(refused.value)
    assert "pip install --force-reinstall carrier-one==1 carrier-two==1" in str(refused.value)


def test_a_real_model_with_one_flipped_bit_is_refused(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bytearray(find("dnsmos").read_bytes())
    model[len(model) // 2] ^= 1
    copy = tmp_path / "site" / "speechmos" / "dnsmos_models" / "sig_bak_ovr.onnx"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(model)
    (tmp_path / "site" / "speechmos" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "speechmos", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(UsageError, match="damaged or of another version") as refused:
        find("dnsmos")
    assert str(copy) in str(refused.value)
    assert "speechmos==0.0.1.1" in str(refused.value)
    told = {found.name: found for found in status()}["dnsmos"]
    assert told.path is None
    assert str(copy) in told.problem


def test_a_file_damaged_after_its_check_is_caught(two_parts: dict[str, Path]) -> None:
    joined = find("tiny")
    joined.write_bytes(b"first half, second HALF")
    assert sha256_of(joined) == hashlib.sha256(b"first half, second HALF").hexdigest()


def test_a_damaged_joined_copy_is_made_again(two_parts: dict[str, Path]) -> None:
    find("tiny").write_bytes(b"cut of")
    assert find("tiny").read_bytes() == b"first half, second half"


def test_a_file_checked_by_another_process_is_not_hashed_again(
    two_parts: dict[str, Path], cache: Path
) -> None:
    joined = find("tiny")
    stamps = [json.loads(stamp.read_text()) for stamp in (cache / "checked").iterdir()]
    assert hashlib.sha256(joined.read_bytes()).hexdigest() in {s["sha256"] for s in stamps}
    for stamp in (cache / "checked").iterdir():
        stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"sha256": "remembered"}))
    weights._sha256.cache_clear()
    assert sha256_of(joined) == "remembered"


def test_processes_that_start_together_all_read_whole_weights(cache: Path) -> None:
    script = (
        "import hashlib; from lauter.datasets.weights import find;"
        "print(hashlib.sha256(find('kokoro').read_bytes()).hexdigest())"
    )
    racing = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", script], stdout=subprocess.PIPE, env=dict(os.environ)
        )
        for _ in range(4)
    ]
    pinned = WEIGHTS["kokoro"].carriers[0].files[0].sha256
    assert [process.communicate()[0].decode().strip() for process in racing] == [pinned] * 4
    assert [file for file in cache.iterdir() if file.name.startswith(".")] == []


def test_weights_that_are_nowhere_say_what_to_install(
    two_parts: dict[str, Path], cache: Path
) -> None:
    two_parts["carrier_one"].unlink()
    with pytest.raises(UsageError, match="run: pip install carrier-one==1 carrier-two==1"):
        find("tiny")
    told = {found.name: found for found in status()}["tiny"]
    assert (told.path, told.lost) == (None, "nothing")
    assert told.install == "run: pip install carrier-one==1 carrier-two==1"


def test_a_name_that_no_weight_has_is_refused() -> None:
    with pytest.raises(UsageError, match="no weights are called 'kokorro'; known are kokoro"):
        find("kokorro")


def test_a_cache_that_cannot_be_written_is_a_sentence(
    two_parts: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupied = tmp_path / "a-file"
    occupied.touch()
    monkeypatch.setenv("LAUTER_CACHE", str(occupied))
    with pytest.raises(UsageError, match="set LAUTER_CACHE to another folder"):
        find("tiny")


def test_a_configured_path_comes_first(two_parts: dict[str, Path], tmp_path: Path) -> None:
    mine = tmp_path / "mine.bin"
    mine.write_bytes(b"my own")
    assert find("tiny", mine) == mine
    assert fingerprint("tiny", mine) != fingerprint("tiny")


def test_a_configured_path_that_is_not_there_is_refused(two_parts: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="neither a file or folder here nor a repository"):
        find("tiny", "/nowhere/model.bin")


def test_a_configured_repository_is_found_in_the_hugging_face_cache(
    two_parts: dict[str, Path], tmp_path: Path
) -> None:
    snapshot = tmp_path / "hub" / "models--owner--recogniser" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    assert find("tiny", "owner/recogniser") == snapshot


def test_the_very_file_in_a_hugging_face_cache_needs_no_package(
    two_parts: dict[str, Path], tmp_path: Path
) -> None:
    blob = tmp_path / "hub/models--any--one/blobs" / WEIGHTS["tiny"].carriers[0].files[0].sha256
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"first half, second half")
    for part in two_parts.values():
        part.unlink()
    assert find("tiny") == blob
    blob.write_bytes(b"first half, second HALF")
    with pytest.raises(UsageError, match="are not on this machine"):
        find("tiny")


def test_the_fingerprint_of_pinned_weights_never_changes() -> None:
    assert fingerprint("kokoro") == "d8125577a8eb98e30239fbf9cd6a38f0"


def test_without_npms_archive_five_voices_serve_and_the_doctor_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(weights, "_downloaded", lambda name: None)
    assert find("kokoro-voices").name == "voices_ja.npz"
    told = {found.name: found for found in status()}["kokoro-voices"]
    assert told.path is not None
    assert "five Japanese voices serve all four dialects" in told.lost
    assert "npm pack kokoro-js@1.2.1" in told.install
