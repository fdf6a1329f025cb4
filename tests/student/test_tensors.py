"""A disk that takes no more is told as one."""

import subprocess
import sys
from pathlib import Path

FULL = """
import resource, sys
from pathlib import Path
import torch
from lauter.student.tensors import write_tensors

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_tensors({"weight": torch.zeros(100_000)}, Path(sys.argv[1]) / "model.safetensors")
except OSError as error:
    print(error.filename, error.strerror)
"""


def test_a_file_that_the_disk_will_not_take_is_an_error_of_the_system(tmp_path: Path) -> None:
    # In a process of its own: the limit that stands for a full disk cannot be lifted again.
    told = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith(str(tmp_path / "model.safetensors"))
    assert "error" in told.stdout.lower()
