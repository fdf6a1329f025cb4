"""What `lauter serve` can be told."""

from dataclasses import dataclass


@dataclass
class ServeSettings:
    """`lauter serve`: the student behind a socket; how it draws is said under `speaking`."""

    host: str = "127.0.0.1"
    """Address to listen on; others than this machine's own want keys."""
    port: int = 8765
    """Port to listen on; 0: any that is free, which is printed."""
    name: str | None = None
    """What clients call the model; null: the name of its folder."""
    keys_variable: str = "LAUTER_SERVE_KEYS"
    """Environment variable with the keys that open the server, between commas; empty: no key."""
    rows: int = 16
    """Requests spoken at once; each takes memory for its keys and values."""
    most_waiting: int = 64
    """Requests that may wait for a row; more are refused (429)."""
    prefill_ids: int = 2048
    """Ids of prompts read at once, so that newcomers hold up nobody for long."""
    body_bytes: int = 1048576
    """Size of a request, in bytes."""
    characters: int = 4096
    """Characters of text in one request for speech."""
    choices: int = 16
    """Answers in one request: prompts times n."""
    top: int = 64
    """Log-probabilities beside each id, at most."""
    seconds: float = 300.0
    """Seconds that one answer may take."""
    retry_after_s: int = 1
    """What those who are refused are told to wait, in seconds."""
    stream_s: float = 0.02
    """Least time between two pieces of a stream, in seconds."""
    drain_s: int = 30
    """Seconds that answers may still take after the server was told to end."""
    device: str = "cpu"
    """Where the student and the codec run, such as cuda."""
    dtype: str = "as_stored"
    """float32, bfloat16, or as_stored."""
