"""`make demo-cluster`: a small cluster fills quotas while a node and a server are lost.

A Ray cluster of three nodes is started on this machine (simulated: one process tree a node), and
two servers of the student that comes with Lauter. `lauter plan` speaks a small pilot and foretells
the cost; `lauter synthesize until=accepted` fills 24 cells, the studio's voices in the nodes and
the served student's over HTTP. When some of it is spoken, one node and one server are killed, and a
while later a fresh node joins. In the end every row is counted.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

from lauter.datasets.corpus import Corpus

# The children are programs of their own, to which nothing of Lance is handed down.
warnings.filterwarnings("ignore", message="lance is not fork-safe")

ROOT = Path(__file__).resolve().parent.parent
LAUTER = str(Path(sys.executable).with_name("lauter"))
STUDENT = ROOT / "student/shipped/phrases"
WORKER_NODE = {"num_cpus": 3, "resources": {"studio": 1}}
FALLS_AFTER = 40
"""Rows in the corpus at which a node and a server are killed."""
JOINS_AFTER_S = 20.0


def main(folder: Path) -> int:
    """Run the demonstration in ``folder``; return 0 where nothing was lost and all is full."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    corpus = folder / "corpus"
    with ExitStack() as stack:
        servers = [stack.enter_context(served(folder / f"server-{n}.log")) for n in (1, 2)]
        cluster = stack.enter_context(three_nodes())
        urls = ",".join(url for url, _ in servers)
        settings = [
            "teacher=demo_cluster", f"teacher.teachers.served.student={STUDENT}",
            f"teacher.teachers.served.completer.servers=[{urls}]",
            "prompts=phrases_and_builtin", "quotas=demo_cluster", "filters=recogniser",
            "policy=intelligible",
            f"corpus={corpus}", "engine=ray",
            f"engine.address='{cluster.address}'", "speak.concurrency=2",
            "+speak.custom_resources.studio=1", "speak.batch_size=6", "score.concurrency=1",
            "decode.batch_size=6", "+prices.teacher=2.5",
        ]  # fmt: skip
        print("--- the pilot, and what all of it will cost", flush=True)
        subprocess.run([LAUTER, "plan", *settings, "plan.pilot=8"], check=True)
        before = Corpus.open(corpus).count()
        print("--- filling the quotas", flush=True)
        run = subprocess.Popen([LAUTER, "synthesize", *settings, "until=accepted"])
        nodes = list(cluster.worker_nodes)
        told = False
        joins_at = float("inf")
        while run.poll() is None:
            time.sleep(0.5)
            if not told and rows_of(corpus) >= max(FALLS_AFTER, before + 8):
                told = True
                print(f"--- {rows_of(corpus)} rows: a node and a server are killed", flush=True)
                cluster.remove_node(nodes[-1], allow_graceful=False)
                servers[1][1].send_signal(signal.SIGKILL)
                joins_at = time.monotonic() + JOINS_AFTER_S
            if time.monotonic() > joins_at:
                joins_at = float("inf")
                print("--- a fresh node joins", flush=True)
                cluster.add_node(**WORKER_NODE)
        code = run.returncode
    return account(corpus, before, told, code)


def rows_of(corpus: Path) -> int:
    """Return how many rows are committed."""
    return Corpus.open(corpus).count()


def account(corpus: Path, before: int, told: bool, code: int) -> int:
    """Print what became of it, and return 0 where all of it is as it should be.

    ``before`` are the rows of the pilot; what the run says that it added and accepted is counted
    again in the corpus.
    """
    opened = Corpus.open(corpus)
    rows = [row for batch in opened.scan_judged(["request_id"]) for row in batch.to_pylist()]
    accepted = sum(bool(row["accepted"]) for row in rows)
    record: dict[str, Any] = json.loads((corpus / "run.json").read_text(encoding="utf-8"))
    cells = record["account"]["cells"]
    errors = record["summary"]["errors"]
    doubled = len(rows) - len({row["request_id"] for row in rows})
    lost = before + record["requests"]["added"] - len(rows)
    open_cells = [cell["cell"] for cell in cells if cell["accepted"] < cell["wanted"]]
    print(f"--- {len(rows)} rows, {doubled} of them twice, {lost} lost; {accepted} accepted, "
          f"{sum(cell['wanted'] for cell in cells)} wanted; {len(cells)} cells, "
          f"{len(open_cells)} not full; failed rows: {errors or 'none'}")  # fmt: skip
    for server, outcomes in record["summary"]["servers"].items():
        told_of = ", ".join(f"{name} {count}" for name, count in outcomes.items())
        print(f"    {server}: {told_of}")
    within = record["forecast"]["within"]
    print(f"    forecast held against the outcome: {within}")
    counted = accepted == sum(cell["accepted"] for cell in cells)
    whole = not (doubled or lost or open_cells or code) and told and counted
    print("--- nothing was lost" if whole else "--- this is not as it should be", flush=True)
    return 0 if whole else 1


@contextmanager
def served(
    log: Path, *, rows: int = 8, most_waiting: int = 64
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve the student in a process of its own; give its address."""
    command = [
        LAUTER, "serve", f"student={STUDENT}", "serve.port=0", f"serve.rows={rows}",
        f"serve.most_waiting={most_waiting}",
        "serve.dtype=float32",
    ]  # fmt: skip
    with log.open("w") as errors, subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=errors, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:  # fmt: skip
        assert process.stdout
        said = process.stdout.readline()
        if " on http" not in said:
            raise SystemExit(f"the server did not start; see {log}")
        try:
            yield said.split(" on ")[1].split("/v1")[0], process
        finally:
            process.terminate()


@contextmanager
def three_nodes() -> Iterator[Cluster]:
    """Start a head and two workers; they begin in an empty folder, for no room's sake."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="lauter-cluster-") as empty:
        os.chdir(empty)
        cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 3, "include_dashboard": False}
        )
        try:
            for _ in range(2):
                cluster.add_node(**WORKER_NODE)
            cluster.wait_for_nodes()
            os.chdir(here)
            yield cluster
        finally:
            os.chdir(here)
            cluster.shutdown()


if __name__ == "__main__":
    arguments: Sequence[str] = sys.argv[1:]
    sys.exit(main(Path(arguments[0] if arguments else "runs/demo-cluster").resolve()))
