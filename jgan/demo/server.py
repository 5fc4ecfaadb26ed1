"""The demo's server: its page, and its tasks, of which one is computed at a time."""

from __future__ import annotations

import base64
import errno
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from bottle import Bottle, HTTPError, HTTPResponse, request, response

from jgan.cli.options import from_texts
from jgan.demo.line import Line
from jgan.demo.requests import is_form, read_body, refuse_strangers
from jgan.demo.tasks import TASKS
from jgan.demo.worker import Worker
from jgan.errors import UserError
from jgan.training.page import document

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
ASSETS = {
    **{name: document.FOLDER / name for name in ("page.css", "theme.js", "elements.js")},
    **{name: PAGE / name for name in ("demo.css", "ask.js", "draw.js", "square.js", "translate.js")},
}
TYPES = {".css": "text/css", ".js": "text/javascript"}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data: blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Say nothing of a reader who has gone."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds without a byte

    def log_request(self, *answer):
        """Who asks is whoever runs it."""


def listen(port: int) -> WSGIServer:
    """A server that listens on this port of 127.0.0.1, 0 being any that is free, without an app yet.

    Raises UserError if it cannot.
    """
    try:
        return make_server(HOST, port, None, _Server, _Handler)
    except OSError as error:
        why = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror
        raise UserError(f"cannot listen on port {port}: {why}; choose another --port") from None


def make_app(worker: Worker, port: int) -> Bottle:
    """The app: GET / and what the page is made of, and POST /TASK.

    A task's options are a form, or stand in the query beside an upload. The answer is JSON by the line: {"before": N}
    whenever N changes, until it is 0, and then {"result": ...}, in which files are base64, or {"error": a sentence},
    which comes at once where it can. A request that the page would not send gets an HTTP status.
    """
    app, line = Bottle(), Line()
    app.add_hook("before_request", lambda: refuse_strangers(port))
    app.add_hook("after_request", lambda: response.headers.update(HEADERS))
    app.default_error_handler = error_json
    models = {model.name: model for model in worker.models}

    @app.get("/")
    def page():
        response.content_type = "text/html; charset=utf-8"
        data = {"models": [model._asdict() for model in models.values()]}
        text = (PAGE / "demo.html").read_text(encoding="utf-8")
        return text.replace("{{data}}", document.embedded_json(data))

    @app.get("/<name>")
    def asset(name):
        if name not in ASSETS:
            raise HTTPError(404, "there is nothing here")
        response.content_type = f"{TYPES[ASSETS[name].suffix]}; charset=utf-8"
        return ASSETS[name].read_bytes()

    @app.post("/<name>")
    def compute(name):
        if name not in TASKS:
            raise HTTPError(404, "there is nothing here")
        body = read_body()
        response.content_type = "application/x-ndjson"
        try:
            opt = from_texts(TASKS[name].options, texts(body))
            if opt.weights not in models:
                raise UserError(f"there are no weights {opt.weights!r} here; there are {', '.join(models)}")
            checked = TASKS[name].check(opt, b"" if is_form() else body)
        except UserError as error:
            return json_line({"error": str(error)})
        return answers(name, opt, checked)

    def answers(*task) -> Iterator[bytes]:
        try:
            with line.place() as numbers_before:
                for before in numbers_before:
                    yield json_line({"before": before})
                answer = worker.compute(*task)
        except UserError as error:
            answer = {"error": str(error)}
        yield json_line(answer)  # to a slow reader, for whom the others need not wait

    return app


def texts(body: bytes) -> dict[str, str]:
    """The options of the request as they were typed."""
    text = body.decode(errors="replace") if is_form() else request.query_string
    with suppress(ValueError):
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=20))
    raise UserError("these are more options than there are")


def error_json(error: HTTPResponse) -> bytes:
    response.content_type = "application/json"
    return json_line({"error": str(error.body)})


def json_line(answer: dict) -> bytes:
    return json.dumps(answer, default=lambda file: base64.b64encode(file).decode()).encode() + b"\n"
