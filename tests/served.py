"""scripts/demo.py in a process of its own, and what is asked of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from conftest import ENVIRONMENT, ROOT

LONG = {"number": "0123456789", "candidates": "200"}  # a computation of some seconds


class Demo:
    """The running program. `process` is the one that serves, and the one that computes is its only child."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "scripts" / "demo.py", "--port", "0", *map(str, arguments)],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        said = self.process.stdout.readline()
        if not said.startswith("the demo is at http://127.0.0.1:"):
            pytest.fail(said + self.stop()[1])
        self.url = said.split()[4]
        self.host = self.url.split("/")[2]
        self.port = int(self.host.split(":")[1])

    def child(self) -> int:
        """The process that computes."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())

    def ask(self, method: str, path: str, body=None, **headers) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        with self.asked(method, path, body, **headers) as answer:
            return answer.status, answer.read()

    def lines(self, task: str, options: dict, upload: bytes | None = None):
        """Yield what a task is answered with, line by line as it comes."""
        query = urlencode(options)
        if upload is None:
            asked, kind = (f"/{task}", query.encode()), "application/x-www-form-urlencoded"
        else:
            asked, kind = (f"/{task}?{query}", upload), "application/octet-stream"
        with self.asked("POST", *asked, Content_Type=kind) as answer:
            yield from map(json.loads, answer)

    def compute(self, *asked) -> list[dict]:
        """All lines of an answer."""
        return list(self.lines(*asked))

    def refusal(self, *asked) -> str:
        """The sentence in the place of a result."""
        return self.compute(*asked)[-1]["error"]

    @contextlib.contextmanager
    def asked(self, method: str, path: str, body, **headers):
        """The answer to a request. A header of None is not sent."""
        headers = {"Host": self.host, "Origin": self.url.rstrip("/"), **headers}
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=200)
        with contextlib.closing(connection):
            connection.request(method, path, body, sent)
            with connection.getresponse() as answer:
                yield answer

    def stop(self) -> tuple[int, str]:
        """Press Ctrl-C; the status, and what was said on stderr."""
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@contextlib.contextmanager
def serving(*arguments):
    """A Demo that ends with the block."""
    demo = Demo(*arguments)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.stop()
