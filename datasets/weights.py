"""Finding model weights on disk: a configured place, a Hugging Face cache, a pinned package.

Nothing is downloaded. Packages that carry weights are read, never imported: what they hold is
checked by SHA-256, what they run is not our business. Files that came in parts are joined once
into the cache folder (``$LAUTER_CACHE`` or ``~/.cache/lauter``); a file is written beside its
place and renamed into it, so processes that start together never read half of one.

Hashing 250 MB takes about a second, so a checked file leaves a stamp of its size and times; a
stamped file is not hashed again until these change. Whoever can forge a change time (ctime) can
fool the stamp: it guards against damage, not against an attacker with root.
"""

import functools
import hashlib
import importlib.util
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lauter.datasets.carriers import WEIGHTS, Carrier, Part, Weight, WeightFile
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class WeightStatus:
    """What ``lauter doctor`` says of one weight.

    ``path`` is None where it is not there or damaged, and ``problem`` says why; ``lost`` says what
    cannot be done as things stand, and ``install`` what to do about it (both empty: all is well).
    """

    name: str
    role: str
    path: Path | None
    licence: str
    install: str
    lost: str
    problem: str = ""


def cache_folder() -> Path:
    """Return the folder where joined weights and stamps are kept; it need not exist yet."""
    configured = os.environ.get("LAUTER_CACHE")
    return Path(configured) if configured else Path.home() / ".cache" / "lauter"


def find(name: str, configured: str | Path | None = None) -> Path:
    """Return the file or folder of the weight ``name``, checked.

    ``configured`` is a path, or the ``owner/name`` of a repository in the Hugging Face cache; it
    is taken as it is, for it may be any version. Raises ``UsageError`` where nothing is found or
    a pinned file is damaged; the message says what to install.
    """
    weight = _weight(name)
    if configured:
        return _configured(name, configured)
    cached = _in_hugging_face_cache(weight)
    if cached:
        return cached
    carrier = _available(weight)
    if carrier is None:
        raise UsageError(
            f"the weights '{name}' ({weight.role}) are not on this machine; "
            f"{_to_do(weight.carriers[-1])}, or configure a path to them"
        )
    return _materialised(name, carrier)


def fingerprint(name: str, configured: str | Path | None = None) -> str:
    """Return the digest that tells these weights from all others.

    It comes from the table of pins without reading a file; of a configured place it comes from
    the bytes of every file in it. Raises ``UsageError`` as ``find`` does.
    """
    weight = _weight(name)
    if configured:
        place = _configured(name, configured)
        files = [file for file in place.rglob("*") if file.is_file()] or [place]
        digests = {str(file.relative_to(place)): sha256_of(file) for file in files}
    else:
        carrier = _available(weight) or weight.carriers[0]
        digests = {file.name: file.sha256 for file in carrier.files}
    return content_id("lauter.weights.v1", digests)


def status() -> list[WeightStatus]:
    """Return what is there and what is not, of every weight the house knows."""
    return [_status(name, weight) for name, weight in WEIGHTS.items()]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file; a file hashed before and unchanged since is not read again."""
    return _sha256(str(path.resolve()), _stamp(path))


def _weight(name: str) -> Weight:
    if name not in WEIGHTS:
        raise UsageError(f"no weights are called '{name}'; known are {', '.join(WEIGHTS)}")
    return WEIGHTS[name]


def _configured(name: str, configured: str | Path) -> Path:
    path = Path(configured).expanduser()
    if path.exists():
        return path
    if re.fullmatch(r"[\w.-]+/[\w.-]+", str(configured)):
        repository = _hub_folder() / ("models--" + str(configured).replace("/", "--"))
        snapshots = sorted(
            repository.glob("snapshots/*"), key=lambda folder: folder.stat().st_mtime
        )
        if snapshots:
            return snapshots[-1]
    raise UsageError(
        f"the weights '{name}' are configured as '{configured}', which is neither a file or folder "
        f"here nor a repository in the Hugging Face cache ({_hub_folder()}); correct the path or "
        "leave it out to use the packaged weights"
    )


def _hub_folder() -> Path:
    explicit = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if explicit:
        return Path(explicit)
    home = os.environ.get("HF_HOME")
    return (Path(home) if home else Path.home() / ".cache" / "huggingface") / "hub"


def _in_hugging_face_cache(weight: Weight) -> Path | None:
    """Return the very files we pin, whoever published them: large blobs are named by SHA-256."""
    for carrier in weight.carriers:
        largest = carrier.files[0]
        if len(carrier.files) == 1:
            candidates: Iterable[Path] = _hub_folder().glob(f"models--*/blobs/{largest.sha256}")
        else:
            snapshots = _hub_folder().glob(f"models--*/snapshots/*/{largest.name}")
            candidates = (
                model.parent for model in snapshots if model.resolve().name == largest.sha256
            )
        for candidate in candidates:
            if all(
                file.is_file() and sha256_of(file) == pin.sha256
                for file, pin in zip(_files_of(candidate, carrier), carrier.files, strict=True)
            ):
                return candidate
    return None


def _files_of(place: Path, carrier: Carrier) -> Iterator[Path]:
    for pin in carrier.files:
        yield place / pin.name if len(carrier.files) > 1 else place


def _available(weight: Weight) -> Carrier | None:
    for carrier in weight.carriers:
        if all(_present(file) for file in carrier.files):
            return carrier
    return None


def _present(file: WeightFile) -> bool:
    if file.download:
        return _downloaded(file.download) is not None
    return all(_part_path(part) is not None for part in file.parts)


def _downloaded(name: str) -> Path | None:
    """Return a file that the user fetched: from here, from the checkout, or from the cache."""
    checkout = Path(__file__).resolve().parent.parent
    for folder in (Path.cwd() / ".models", checkout / ".models", cache_folder()):
        if (folder / name).is_file():
            return folder / name
    return None


def _part_path(part: Part) -> Path | None:
    """Return where an installed package keeps ``part``, without importing the package."""
    try:
        spec = importlib.util.find_spec(part.package)
    except ValueError:  # a module put into sys.modules by hand has no spec
        return None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / part.path
        if path.is_file():
            return path
    return None


def _materialised(name: str, carrier: Carrier) -> Path:
    if len(carrier.files) == 1:
        file = carrier.files[0]
        if file.download:
            downloaded = _downloaded(file.download)
            assert downloaded is not None
            return _checked(downloaded, file.sha256, carrier)
        if len(file.parts) == 1:
            return _checked_part(file.parts[0], carrier)
        return _joined(file, cache_folder() / f"{file.sha256[:12]}-{file.name}", carrier)
    folder = cache_folder() / f"{carrier.files[0].sha256[:12]}-{name}"
    for file in carrier.files:
        _joined(file, folder / file.name, carrier)
    return folder


def _checked_part(part: Part, carrier: Carrier) -> Path:
    path = _part_path(part)
    assert path is not None
    return _checked(path, part.sha256, carrier)


def _checked(path: Path, sha256: str, carrier: Carrier) -> Path:
    found = sha256_of(path)
    if found != sha256:
        raise UsageError(
            f"{path} is damaged or of another version: its SHA-256 is {found[:12]}…, "
            f"not {sha256[:12]}…; {_to_do(carrier, again=True)}"
        )
    return path


def _joined(file: WeightFile, target: Path, carrier: Carrier) -> Path:
    """Return ``target``, made from its checked parts where it is not there or damaged."""
    if target.is_file() and sha256_of(target) == file.sha256:
        return target
    parts = [_checked_part(part, carrier) for part in file.parts]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_atomically(target, (chunk for part in parts for chunk in _chunks(part)))
    except OSError as error:
        raise UsageError(
            f"the weights cannot be written to {target.parent} ({error.strerror}); "
            "make room there or set LAUTER_CACHE to another folder"
        ) from error
    return _checked(target, file.sha256, carrier)


def _write_atomically(target: Path, chunks: Iterable[bytes]) -> None:
    descriptor, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as writer:
            writer.writelines(chunks)
        Path(beside).chmod(0o644)
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as reader:
        while chunk := reader.read(_CHUNK):
            yield chunk


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


@functools.lru_cache(maxsize=256)
def _sha256(path: str, stamp: tuple[int, int, int]) -> str:
    known = cache_folder() / "checked" / f"{hashlib.sha256(path.encode()).hexdigest()[:24]}.json"
    try:
        remembered = json.loads(known.read_text())
        if remembered["stamp"] == list(stamp):
            return str(remembered["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never checked on this machine, or a stamp of another form: hash it
    digest = hashlib.sha256()
    for chunk in _chunks(Path(path)):
        digest.update(chunk)
    entry = {"path": path, "stamp": stamp, "sha256": digest.hexdigest()}
    try:
        known.parent.mkdir(parents=True, exist_ok=True)
        _write_atomically(known, [json.dumps(entry).encode()])
    except OSError:
        pass  # a cache that cannot be written costs a second hashing, nothing else
    return digest.hexdigest()


def _to_do(carrier: Carrier, *, again: bool = False) -> str:
    if carrier.install.startswith("pip install"):
        forced = " --force-reinstall" if again else ""
        return f"run: pip install{forced}{carrier.install.removeprefix('pip install')}"
    return f"{'fetch it again' if again else 'fetch it'}: {carrier.install}"


def _status(name: str, weight: Weight) -> WeightStatus:
    preferred = weight.carriers[0]
    carrier = _available(weight)
    try:
        path = find(name)
    except UsageError as error:
        todo = _to_do(carrier or preferred, again=carrier is not None)
        return WeightStatus(name, weight.role, None, weight.licence, todo, weight.lost, str(error))
    if carrier is None or carrier is preferred:
        return WeightStatus(name, weight.role, path, weight.licence, "", "")
    return WeightStatus(name, weight.role, path, weight.licence, _to_do(preferred), carrier.lost)
