"""The process that computes for the demo, and the only one that imports Jittor.

python -m jgan.demo.child FILE_DESCRIPTOR

Over the connection it is sent the files, {name: path}, and the device to compute on, answers with the
`jgan.demo.models.Model` that the files hold, and from then on answers each (task, options, checked). An answer is
{"result": ...}, or {"error": a sentence}.
"""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from jgan.cli.digits import JUDGE
from jgan.demo.models import Model, offered
from jgan.demo.tasks import TASKS
from jgan.errors import UserError
from jgan.jittor_setup.runtime import set_device


def main(connection: Connection) -> None:
    """Answer until the other side is gone, unless Jittor cannot be imported."""
    with suppress(EOFError, BrokenPipeError):
        files, device = connection.recv()
        begun = answer(files, begin, files, device)
        connection.send(begun)
        while "result" in begun:
            name, opt, checked = connection.recv()
            connection.send(answer(files, TASKS[name].work, opt, checked, files))


def begin(files: dict[str, Path], device: str) -> list[Model]:
    """Choose the device; the models that are offered."""
    set_device(device)
    return offered(files)


def answer(files: dict[str, Path], function, *arguments) -> dict:
    """What the function returns, or the sentence of its UserError, in which files go by their names."""
    try:
        return {"result": function(*arguments)}
    except UserError as error:
        sentence = str(error)
        for name, path in [*files.items(), (JUDGE.stem, JUDGE)]:
            sentence = sentence.replace(str(path), name)
        return {"error": sentence}
    except Exception:
        traceback.print_exc()
        return {"error": "the computation failed; the terminal of the demo shows why"}


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
