"""What recording adds to a call: microseconds, p50 and p99, against the same function undecorated.

    python -m tests.bench.sdk [CALLS]

The far side is a server that accepts everything, in a process of its own, so that only the caller's cost is measured.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from optimizer_app import sdk

SERVER = """
import http.server, json
ANSWER = json.dumps(dict(accepted=0, duplicates=0, errors=[], version=0, program={}, state={})).encode()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)
    do_GET = do_POST = answer
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
TEXT = "the quick brown fox jumps over the lazy dog and back again " * 8


def work(message: str) -> str:
    """A millisecond of waiting, as a very quick language model would take."""
    time.sleep(0.001)
    return TEXT


def microseconds(function: object, calls: int) -> list[float]:
    taken = []
    for number in range(calls):
        started = time.perf_counter_ns()
        function(f"{number} {TEXT}")  # type: ignore[operator]
        taken.append((time.perf_counter_ns() - started) / 1000)
    return sorted(taken)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = server.stdout.readline().strip()
    with tempfile.TemporaryDirectory() as folder:
        sdk.configure(f"http://127.0.0.1:{port}", "none", folder=Path(folder))
        recorded = sdk.dspy_worker("bench")(work)
        microseconds(recorded, 200)
        bare: list[float] = []
        decorated: list[float] = []
        for _ in range(6):  # in turns, so that both see the same machine
            bare += microseconds(work, calls // 6)
            decorated += microseconds(recorded, calls // 6)
        bare.sort()
        decorated.sort()
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            before, after = bare[int(share * len(bare))], decorated[int(share * len(decorated))]
            print(f"{name}: {before:.0f} µs bare, {after:.0f} µs recorded, {after - before:+.0f} µs")  # noqa: T201
        sdk.configure(f"http://127.0.0.1:{port}", "none", folder=Path(folder)).close()
    server.kill()


if __name__ == "__main__":
    main()
