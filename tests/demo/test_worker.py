from __future__ import annotations

import os
import signal

from jgan.demo.models import weights_files
from jgan.demo.tasks import Samples
from jgan.demo.worker import Worker


def test_a_process_that_dies_or_takes_too_long_is_followed_by_another():
    task = ("samples", Samples(weights="gan_mnist", seeds="0"), [0])
    with Worker(weights_files()) as worker:
        found = worker.compute(*task)
        os.kill(worker.pid, signal.SIGKILL)
        assert "has died, perhaps for lack of memory" in worker.compute(*task)["error"]
        assert worker.compute(*task) == found and "image" in found["result"]
        worker.seconds = 0.0
        assert "took longer than 0 seconds and was given up" in worker.compute(*task)["error"]
        worker.seconds = 300.0
        assert worker.compute(*task) == found
        pid = worker.pid
    assert not os.path.exists(f"/proc/{pid}")


def test_what_keeps_it_from_beginning_again_is_said_to_the_terminal_and_not_to_the_page(monkeypatch, capfd):
    task = ("samples", Samples(weights="gan_mnist", seeds="0"), [0])
    with Worker(weights_files()) as worker:
        monkeypatch.setenv("cc_path", "/gone/g++")
        os.kill(worker.pid, signal.SIGKILL)
        said = worker.compute(*task)["error"]
        assert "cannot be started again" in said and "gone" not in said
        assert "error: Jittor compiles its operators with /gone/g++" in capfd.readouterr().err
        monkeypatch.undo()
        worker.compute(*task)
        assert "result" in worker.compute(*task)


def test_a_defect_is_a_sentence_for_the_page_and_a_traceback_for_the_terminal(capfd):
    with Worker(weights_files()) as worker:
        assert "the terminal of the demo shows why" in worker.compute("samples", None, [0])["error"]
    assert "Traceback" in capfd.readouterr().err
