"""The command in a process of its own, to be stopped like one."""

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path


def started(*words: str) -> subprocess.Popen[str]:
    """Start the command as a shell does: as the leader of its own process group."""
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "lauter"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that run in the background of a shell are deaf to Ctrl-C, and so would this be.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
