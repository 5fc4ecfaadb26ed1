"""The running demo, asked as a page would ask it, and as it should not be."""

from __future__ import annotations

import re
import socket
import threading
import time

import pytest
from conftest import ROOT

pytest.importorskip("bottle")
from served import LONG, serving

from jgan.models import dcgan
from jgan.weights.networks import save_network


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder of weights, two of which are damaged in their last byte."""
    folder = tmp_path_factory.mktemp("own") / "mine"
    folder.mkdir()
    save_network(folder / "good.safetensors", dcgan.Generator(img_size=16, conv_dim=1))
    damaged = bytearray((folder / "good.safetensors").read_bytes())
    damaged[-1] ^= 1
    (folder / "damaged.safetensors").write_bytes(damaged)
    return folder


@pytest.fixture(scope="module")
def demo(own):
    with serving("--weights", own) as demo:
        yield demo


def test_the_page_and_all_that_it_is_made_of_are_served(demo):
    status, page = demo.ask("GET", "/")
    names = re.findall(r'(?:href|src)="([^":]+)"', page.decode())
    names = [name for name in names if not name.startswith("#")]
    assert status == 200 and len(names) > 4
    for name in names:
        assert demo.ask("GET", f"/{name}")[0] == 200
    assert b"mine/good" in page and str(ROOT).encode() not in page


def test_the_page_may_load_nothing_from_elsewhere_and_stand_in_no_frame(demo):
    with demo.asked("GET", "/", None) as answer:
        policy = answer.getheader("Content-Security-Policy")
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert not re.search(r"https?:", policy)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "[::1]:{port}"]
)
@pytest.mark.parametrize("asked", [("GET", "/"), ("GET", "/ask.js"), ("POST", "/number"), ("GET", "/nothing")])
def test_another_host_is_refused(demo, host, asked):
    host = host.format(port=demo.port)
    status, body = demo.ask(*asked, Host=host, Origin=f"http://{host}")
    assert status == 403 and b"answers to no other name" in body


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", None, "http://127.0.0.1", "https://127.0.0.1:{port}", "http://localhost:{port}"],
)
def test_another_origin_is_refused(demo, origin):
    origin = origin and origin.format(port=demo.port)
    status, body = demo.ask("POST", "/number", "number=1", Origin=origin)
    assert status == 403 and b"for its own page alone" in body


def test_localhost_is_this_host(demo):
    host = f"localhost:{demo.port}"
    assert demo.ask("GET", "/", Host=host, Origin=None)[0] == 200
    assert demo.ask("POST", "/number", "number=x", Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "//etc/passwd", "/page/../server.py", "/server.py",
        "/demo.html", "/%2e%2e/README.md", "/number", "/ask.js/", "/ask.js%00",
    ],
)  # fmt: skip
def test_nothing_else_is_served(demo, path):
    status, body = demo.ask("GET", path)
    assert status in (404, 405) and len(body) < 200 and b"root:" not in body


@pytest.mark.parametrize(
    ("task", "options", "sentence"),
    [
        ("number", {"number": ""}, "the number is empty; give the digits to draw, such as 0123456789"),
        ("number", {"number": "12x"}, "character 3 of the number is 'x' (U+0078); only the digits 0 to 9"),
        ("number", {"number": "--seed=3"}, "character 1 of the number is '-'"),
        ("number", {}, "the following arguments are required: number"),
        ("number", {"number": "1", "seed": "x"}, "argument --seed: 'x' is no whole number"),
        ("number", {"number": "1", "seed": "-1"}, "argument --seed: -1 is too small; at least 0 is needed"),
        ("number", {"number": "1", "candidates": "1001"}, "1001 is too large; at most 1000 is possible"),
        ("number", {"number": "1", "judge": "/etc/passwd"}, "unrecognized arguments: --judge=/etc/passwd"),
        ("number", {"number": "1", "weights": "../weights/cgan_mnist"}, "there are no weights '../weights/cgan_mnist'"),
        (
            "number",
            {"number": "1", "weights": "/etc/passwd"},
            "there are no weights '/etc/passwd' here; there are cgan",
        ),
        ("number", {"number": "1", "weights": "classifier_mnist"}, "there are no weights 'classifier_mnist'"),
        ("samples", {"seeds": "a"}, "--seeds 'a': 'a' is no number"),
        ("samples", {"labels": "cat"}, "--labels cat: cat is none of the classes 0, 1, 2"),
        ("samples", {"weights": "dcgan_faces_64", "labels": "1"}, "--labels: dcgan_faces_64 holds a generator without"),
        ("place", {"x": "1.5"}, "argument --x: 1.5 is too large; at most 1 is possible"),
        ("place", {"y": "nan"}, "argument --y: nan is no finite number"),
        ("square", {"weights": "mine/damaged"}, "mine/damaged is damaged: its checksum is not that of its contents"),
        ("translation", {}, "there is no image to translate; choose one"),
        ("number", {str(i): "" for i in range(30)}, "more options than there are"),
    ],
)
def test_a_mistake_gets_the_sentence_of_the_programs_and_no_path(demo, own, task, options, sentence):
    said = demo.refusal(task, options)
    assert sentence in said and str(own) not in said and str(ROOT) not in said


def test_uploads_are_bounded(demo):
    options = {"weights": "pix2pix_facades_128"}
    assert "20,000,001 bytes are too many" in demo.refusal("translation", options, bytes(20_000_001))
    assert demo.ask("POST", "/translation", bytes(20_000_001))[0] == 413
    assert demo.ask("POST", "/translation", iter([b"part"]), Transfer_Encoding="chunked")[0] == 411
    assert demo.ask("POST", "/translation", b"", Content_Length="many")[0] == 411
    assert "this is no image that can be read" in demo.refusal("translation", options, b"text")
    assert demo.ask("PUT", "/translation", b"")[0] == 405


def test_an_upload_that_breaks_off_leaves_the_demo_as_it_was(demo):
    with socket.create_connection(("127.0.0.1", demo.port)) as client:
        head = ["POST /translation HTTP/1.1", f"Host: {demo.host}", f"Origin: http://{demo.host}", "Content-Length: 99"]
        client.sendall("\r\n".join([*head, "", "half"]).encode())
        client.shutdown(socket.SHUT_WR)
        assert b"400 Bad Request" in client.recv(1000)
    assert demo.ask("GET", "/")[0] == 200


def test_others_wait_and_are_told_how_many_are_before_them(demo):
    answers = {}

    def ask(name: str, task: str, options: dict) -> None:
        answers[name] = demo.compute(task, options)

    asked = [("first", "number", LONG), ("second", "samples", {"seeds": "0"}), ("third", "number", {"number": "7"})]
    threads = [threading.Thread(target=ask, args=each) for each in asked]
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    assert "the number is empty" in demo.refusal("number", {"number": ""})  # who is wrong need not wait
    assert threads[0].is_alive()
    for thread in threads:
        thread.join()
    before = {name: [line["before"] for line in lines[:-1]] for name, lines in answers.items()}
    assert before == {"first": [0], "second": [1, 0], "third": [2, 1, 0]}
    assert all("result" in lines[-1] for lines in answers.values())
