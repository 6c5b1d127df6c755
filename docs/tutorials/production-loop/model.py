"""A language model on this machine that speaks OpenAI's protocol: Uplift's built-in lexical model behind HTTP.

uv run docs/tutorials/production-loop/model.py --port 8900
"""

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from optimizer_app.engine.offline.lm import LexicalEngine


class Handler(BaseHTTPRequestHandler):
    """POST /v1/chat/completions"""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # headers and body in one packet, or every answer takes 40 ms
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        system = "\n".join(m["content"] for m in asked["messages"] if m["role"] == "system")
        said = [(m["role"], m["content"]) for m in asked["messages"] if m["role"] != "system"]
        text = LexicalEngine().reply(system, said, asked["model"], asked.get("temperature") or 0.0)
        tokens = {"prompt_tokens": len(str(said)) // 4, "completion_tokens": len(text) // 4}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        answer = {
            "id": "1", "object": "chat.completion", "created": 1, "model": asked["model"], "choices": [choice],
            "usage": tokens | {"total_tokens": sum(tokens.values())},
        }  # fmt: skip
        raw = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Quiet."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8900)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler)
    print(f"A language model answers at http://127.0.0.1:{server.server_address[1]}/v1", flush=True)  # noqa: T201
    server.serve_forever()
