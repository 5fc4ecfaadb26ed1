"""How the demo begins and ends."""

from __future__ import annotations

import os
import socket

import pytest

pytest.importorskip("bottle")
from programs import module
from served import LONG, serving

from jgan.errors import UserError


@pytest.mark.parametrize("is_computing", [False, True])
def test_ctrl_c_ends_it_and_what_it_computes(is_computing):
    with serving() as demo:
        child, lines = demo.child(), demo.lines("number", LONG)
        if is_computing:
            assert next(lines) == {"before": 0}
        status, err = demo.stop()
        assert status == 130 and err.endswith("stopped\n") and "Traceback" not in err
        assert not os.path.exists(f"/proc/{child}")
        if is_computing:
            assert not any("result" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "-1"], "argument --port: -1 is too small"),
        (["--port", "65536"], "argument --port: 65536 is too large"),
        (
            ["--weights", "gone"],
            "there is no gone; give a file of weights, the folder of a run, or one of several",
        ),
        (["--weights", "."], "there are no weights in ., nor in folders within it"),
    ],
)
def test_a_mistake_is_a_sentence(refused, arguments, sentence):
    assert sentence in refused("demo", *arguments)


@pytest.mark.cpu("there is a GPU")
def test_cuda_is_refused_where_there_is_none():
    refusal = pytest.raises(pytest.fail.Exception, match="error: the device cuda was asked for")
    with refusal, serving("--device", "cuda"):
        pass


def test_a_port_that_is_taken_is_a_sentence(refused):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on port {port}: another program listens there" in refused("demo", "--port", port)


def test_without_the_library_the_sentence_says_how_to_install_it(monkeypatch):
    demo = module("demo")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install -r requirements-demo\.txt"):
        demo.check(demo.Options(port=0), {})


def test_it_listens_on_this_machine_alone():
    with serving() as demo, open("/proc/net/tcp") as table:
        places = [line.split()[1] for line in table.readlines()[1:] if line.split()[3] == "0A"]
    assert [place for place in places if place.endswith(f":{demo.port:04X}")] == [f"0100007F:{demo.port:04X}"]
