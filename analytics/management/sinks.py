"""Receivers on this machine for demonstrations: what they are told is said aloud."""

import http.server
import json
import socketserver
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from typing import Any

Say = Callable[[str], Any]


class WebhookSink:
    """Takes signed webhooks, at `url`."""

    def __init__(self, say: Say) -> None:
        self.titles = titles = list[str]()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                titles.append(told["title"])
                say(f"   Webhook: {told['title']}. {told['text']}")
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class MailSink:
    """A mail server that keeps nothing; raises OSError where the port is taken."""

    def __init__(self, host: str, port: int, say: Say) -> None:
        self.subjects = subjects = list[str]()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._answer("220 demo")
                while line := self.rfile.readline():
                    match line.split()[0].upper() if line.split() else b"":
                        case b"DATA":
                            self._answer("354 go on")
                            subject = _read(self.rfile)
                            subjects.append(subject)
                            say(f"   Mail: {subject}")
                            self._answer("250 taken")
                        case b"QUIT":
                            self._answer("221 bye")
                            return
                        case _:
                            self._answer("250 yes")

            def _answer(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self._server = Server((host, port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _read(lines: Any) -> str:
    """The subject of the mail that follows, up to the line with only a dot."""
    raw = b"".join(iter(lines.readline, b".\r\n"))
    return str(message_from_bytes(raw, policy=policy.default)["subject"])
