"""Serve a page on this machine: draw a number, sample, walk through a latent square, translate an image.

python scripts/demo.py                           # at http://127.0.0.1:8000/, with the trained weights; Ctrl-C ends it
python scripts/demo.py --weights runs/flowers    # and with those of a run, or of all in runs
"""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Optional

from jgan.cli.digits import JUDGE, require_judge
from jgan.cli.options import device_option, option
from jgan.cli.program import run_program
from jgan.demo.models import weights_files
from jgan.errors import UserError


@dataclasses.dataclass
class Options:
    port: int = option(8000, "where it listens on 127.0.0.1; 0 takes a port that is free", least=0, most=65535)
    weights: Optional[str] = option(None, "generators of your own: a file, or the folder of a run or several")
    device: str = device_option()


def check(opt: Options, given: dict) -> tuple:
    """The files of weights, and a server that listens."""
    if importlib.util.find_spec("bottle") is None:
        raise UserError("the demo needs the package bottle: pip install -r requirements-demo.txt")
    from jgan.demo.server import listen

    require_judge(JUDGE)
    files = weights_files(opt.weights)
    return files, listen(opt.port)


def serve(opt: Options, checked: tuple) -> int:
    from jgan.demo.server import HOST, make_app
    from jgan.demo.worker import Worker

    files, server = checked
    with Worker(files, opt.device) as worker:
        server.set_app(make_app(worker, server.server_port))
        print(f"the demo is at http://{HOST}:{server.server_port}/ until you press Ctrl-C", flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    run_program(Options, __doc__, check, serve)
