"""What is counted while a server runs, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from lauter.student.serving.engine import Load

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_LOAD = {
    "live": "Rows being spoken",
    "waiting": "Tasks that wait for a row",
    "cache_bytes": "Memory of keys and values",
    "tokens": "Ids said since the start",
    "steps": "Runs of the model since the start",
    "finished": "Tasks finished since the start",
    "cancelled": "Tasks cancelled since the start",
}


class Metrics:
    """Counts of one server; each server has its own registry, so that tests can run several."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.answers = Counter(
            "lauter_http_answers",
            "HTTP answers by route and status",
            ["route", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "lauter_request_seconds",
            "Time to the whole answer",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.first_seconds = Histogram(
            "lauter_first_id_seconds",
            "Time to the first id",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._load = {
            name: Gauge(f"lauter_engine_{name}", meaning, registry=self._registry)
            for name, meaning in _LOAD.items()
        }

    def text(self, load: Load) -> bytes:
        """Return all counts in Prometheus's text format."""
        for name, gauge in self._load.items():
            gauge.set(getattr(load, name))
        return generate_latest(self._registry)
