"""Around Jittor's import. Most of it can be seen only in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, run_code, run_python

import jgan
from jgan.errors import UserError
from jgan.jittor_setup import importing


def test_importing_the_package_does_not_import_jittor():
    modules = "jgan, jgan.cli.training, jgan.data.mnist, jgan.models, jgan.training.run, jgan.warmup.digits, sys"
    done = run_code(f"import {modules}; print('jittor' in sys.modules)")
    assert done.stdout == "False\n", done.stderr


def test_importing_jittor_prints_nothing_once_it_is_compiled():
    import jittor  # noqa: F401 (compiles it, if this is the first time)

    done = run_code("import jgan, jittor; print(jittor.__name__)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "jittor\n", "")


def test_jittor_is_imported_though_the_output_is_closed():
    """As `>&-` closes it; Python has no sys.stdout then."""
    program = f'exec {sys.executable} -c "import jgan, jittor, sys; print(sys.stdout, file=sys.stderr)" >&-'
    done = subprocess.run(["sh", "-c", program], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "None\n")


INTERRUPTED = """
import os, signal, time
{imports}
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
except KeyboardInterrupt:
    print("interrupted")
finally:
    print("finally")
"""


@pytest.mark.parametrize("imports", ["import jgan, jittor", "import jittor, jgan"])
def test_ctrl_c_is_a_keyboard_interrupt_again(imports):
    import jittor  # noqa: F401 (sets what Jittor needs where it is imported first)

    names = ("nvcc_path", "cache_name", "gdb_path", "use_mpi", "python_config_path")
    needed = {name: os.environ[name] for name in names if name in os.environ}
    done = run_code(INTERRUPTED.format(imports=imports), **needed)
    assert done.stdout.endswith("interrupted\nfinally\n"), done.stderr


@pytest.mark.parametrize("threads", [0, 1])
def test_ctrl_c_during_the_import_is_one_after_it(threads):
    """A part of Jittor that is imported after its core is the moment. Other threads, as tqdm's, take it, too."""
    code = f"""
import os, signal, sys, threading, time
import jgan
for _ in range({threads}):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
class Moment:
    def find_spec(self, name, path=None, target=None):
        if name == "jittor.pool":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Moment())
try:
    import jittor
except KeyboardInterrupt:
    print("interrupted")
"""
    done = run_code(code)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


def test_a_child_killed_by_a_signal_does_not_end_the_program():
    code = (
        "import jgan, jittor, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '60']); child.kill(); child.wait(); time.sleep(0.3)\n"
        "print('alive')"
    )
    assert run_code(code).stdout == "alive\n"


def test_ctrl_c_spares_the_compiling_processes():
    """A worker killed while it waits for work holds a lock, and the program that started it never ends."""
    code = (
        "import jgan, jittor, jittor_utils, multiprocessing, os, signal, time\n"
        "ready = multiprocessing.Barrier(4)\n"
        "def initialize(): jittor_utils.pool_initializer(); ready.wait()\n"
        "pool = multiprocessing.Pool(3, initializer=initialize)\n"
        "ready.wait()\n"
        "workers = multiprocessing.active_children()\n"
        "for worker in workers: os.kill(worker.pid, signal.SIGINT)\n"
        "time.sleep(0.5)\n"
        "print(pool.map(abs, [-2]), all(worker.is_alive() for worker in workers))\n"
        "pool.terminate()\n"
    )
    assert run_code(code).stdout == "[2] True\n"


def test_a_signal_to_the_whole_process_group_does_not_hang_the_program():
    """As `timeout` sends it. The compiling processes would die of it, too, so none may be left after the import."""
    code = (
        "import os, signal, sys, time; os.setsid(); signal.alarm(60)\n"
        "import jgan, jittor, multiprocessing\n"
        "print(multiprocessing.active_children(), flush=True)\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "os.killpg(0, signal.SIGTERM); time.sleep(5)\n"
    )
    done = run_code(code)
    assert (done.returncode, done.stdout) == (7, "[]\n")


def test_sigterm_ends_the_program_by_that_signal():
    done = run_code("import jgan, jittor, os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)")
    assert (done.returncode, done.stderr) == (-15, "")


def test_the_first_compilation_is_announced_in_one_line(tmp_path, capsys):
    with importing._announced_or_uninterrupted(tmp_path):
        pass
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "some minutes, once" in err


def test_a_compiled_jittor_is_not_announced(capsys):
    import jittor_utils

    with importing._announced_or_uninterrupted(Path(jittor_utils.cache_path)):
        pass
    assert capsys.readouterr().err == ""


def test_jittors_please_rerun_is_an_error_and_not_success():
    with pytest.raises(UserError, match="run the same command again"):
        importing._explain(SystemExit(0), "[e] jit_utils updated, please rerun your command.")


def test_a_failed_import_shows_what_was_kept_back(capfd):
    with pytest.raises(UserError, match="could not be imported"), importing._chatter_kept_back():
        os.write(2, b"g++: fatal error: no space left\n")
        raise RuntimeError("compilation failed")
    assert "no space left" in capfd.readouterr().err


def test_an_import_that_failed_is_guarded_again_when_it_is_repeated():
    code = (
        "import jgan, os\n"
        "from jgan.errors import UserError\n"
        "path, os.environ['PATH'] = os.environ['PATH'], ''\n"
        "try: import jittor\n"
        "except UserError as error: print('g++' in str(error))\n"
        "os.environ['PATH'] = path\n"
        "import jittor\n"
        "print(jittor.__name__)"
    )
    done = run_code(code)
    assert (done.stdout, done.stderr) == ("True\njittor\n", "")


def test_a_folder_called_jgan_beside_a_script_does_not_hide_the_package(tmp_path):
    """As a clone does that stands beside its user's program."""
    (tmp_path / "jgan" / "scripts").mkdir(parents=True)
    (tmp_path / "mine.py").write_text("import jgan; print(jgan.__version__)")
    assert run_python(tmp_path / "mine.py", cwd=tmp_path).stdout == f"{jgan.__version__}\n"
