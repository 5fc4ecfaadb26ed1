"""Around Jittor's import. Most of it can be seen only in a process of its own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ENVIRONMENT, run_python

import jgan
from jgan import runtime
from jgan.errors import UserError


def run_code(code: str, **environment):
    return run_python("-c", code, **environment)


def test_importing_the_package_does_not_import_jittor():
    done = run_code("import jgan, jgan.digits, jgan.data.mnist, jgan.run, sys; print('jittor' in sys.modules)")
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


def test_jittor_is_imported_though_nvcc_has_no_cuda_behind_it(tmp_path):
    nvcc = tmp_path / "bin" / "nvcc"
    nvcc.parent.mkdir()
    nvcc.write_text("#!/bin/sh\necho 'Cuda compilation tools, release 12.2, V12.2.140'\n")
    nvcc.chmod(nvcc.stat().st_mode | stat.S_IEXEC)
    path = f"{nvcc.parent}:{os.environ['PATH']}"
    done = run_code("import jgan, jittor, os; print(repr(os.environ['nvcc_path']), jittor.has_cuda)", PATH=path)
    assert done.returncode == 0, done.stderr
    name, has_cuda = done.stdout.split()
    assert name == "''" and has_cuda in ("0", "False")


def test_freed_memory_is_kept_for_the_next_step_unless_the_environment_says_otherwise():
    code = """if True:
        import resource
        import jgan, jittor
        import numpy as np

        def faults():
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            np.ones(25_000_000)
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

        faults()
        print(faults())
    """
    assert int(run_code(code).stdout) < 100
    for environment in ({"JGAN_KERNELS": "0"}, {"MALLOC_MMAP_THRESHOLD_": "131072"}):
        assert int(run_code(code, **environment).stdout) > 100


def test_the_optional_libraries_are_off_unless_asked_for():
    code = (
        "import jgan, jittor, os; print(*(os.environ[n] for n in ('use_mpi', 'use_nccl', 'use_cutt', 'use_cutlass')))"
    )
    assert run_code(code).stdout == "0 0 0 0\n"
    assert run_code(code, use_cutt="1").stdout == "0 0 1 0\n"


def test_mpirun_asks_for_mpi(monkeypatch):
    environment = {**os.environ, "OMPI_COMM_WORLD_SIZE": "2"}
    environment.pop("use_mpi", None)
    monkeypatch.setattr(os, "environ", environment)
    runtime._before_import()
    assert environment["use_mpi"] == "1"


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
        "pool = multiprocessing.Pool(3, initializer=jittor_utils.pool_initializer)\n"
        "workers = multiprocessing.active_children()\n"
        "assert pool.map(abs, [-1]) == [1]\n"
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


def test_without_a_compiler_one_sentence_names_the_package(tmp_path, script):
    (tmp_path / "bin").mkdir()
    done = script("render_digits", "123", "--weights", __file__, PATH=str(tmp_path / "bin"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: Jittor compiles its operators with g++") and "apt install g++" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_headers_one_sentence_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(runtime.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(UserError, match=r"Python\.h does not exist.*apt install python3-dev"):
        runtime._before_import()


def test_a_cache_that_cannot_be_written_is_named(script):
    done = script("render_digits", "123", "--weights", __file__, HOME="/proc/nowhere")
    assert done.returncode == 2
    assert "/proc/nowhere/.cache/jittor" in done.stderr and "set HOME" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_first_compilation_is_announced_in_one_line(tmp_path, capsys):
    with runtime._announced_or_uninterrupted(tmp_path):
        pass
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "some minutes, once" in err


def test_a_compiled_jittor_is_not_announced(capsys):
    import jittor as jt

    with runtime._announced_or_uninterrupted(Path(jt.flags.cache_path)):
        pass
    assert capsys.readouterr().err == ""


def test_without_a_home_the_sentence_says_so(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(UserError, match="set HOME"):
        runtime.jittor_cache()


def test_jittors_please_rerun_is_an_error_and_not_success():
    with pytest.raises(UserError, match="run the same command again"):
        runtime._explain(SystemExit(0), "[e] jit_utils updated, please rerun your command.")


def test_a_failed_import_shows_what_was_kept_back(capfd):
    with pytest.raises(UserError, match="could not be imported"), runtime._chatter_kept_back():
        os.write(2, b"g++: fatal error: no space left\n")
        raise RuntimeError("compilation failed")
    assert "no space left" in capfd.readouterr().err


def test_jittors_cache_is_where_jittor_looks(monkeypatch, tmp_path):
    monkeypatch.delenv("JITTOR_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runtime.jittor_cache() == tmp_path / ".cache" / "jittor"
    (tmp_path / ".cache" / "jittor").mkdir(parents=True)
    (tmp_path / ".cache" / "jittor" / "config.json").write_text('{"JITTOR_HOME": "/data/jt"}')
    assert str(runtime.jittor_cache()) == "/data/jt/.cache/jittor"
    (tmp_path / ".cache" / "jittor" / "config.json").write_text("[1]")
    assert runtime.jittor_cache() == tmp_path / ".cache" / "jittor"
    monkeypatch.setenv("JITTOR_HOME", "/fast")
    assert str(runtime.jittor_cache()) == "/fast/.cache/jittor"


def test_the_device_is_set_or_refused():
    import jittor as jt

    assert runtime.set_device("cpu") == "cpu" and jt.flags.use_cuda == 0
    if jt.has_cuda:
        assert runtime.set_device("cuda") == runtime.set_device("auto") == "cuda" and jt.flags.use_cuda == 1
        runtime.set_device("cpu")
    else:
        assert runtime.set_device("auto") == "cpu"
        with pytest.raises(UserError, match="the device cuda was asked for"):
            runtime.set_device("cuda")


def uniform(seed, index=0):
    import jittor as jt

    runtime.seed_jittor(seed, "test", index)
    return jt.rand((1000,)).numpy()


def test_equal_seeds_repeat_and_near_seeds_differ():
    assert np.array_equal(uniform(7), uniform(7))
    for other in (uniform(1), uniform(0, 1)):
        assert abs(np.corrcoef(uniform(0), other)[0, 1]) < 0.15
    assert abs(uniform(0)[:10].mean() - 0.5) < 0.35  # Jittor's own small seeds begin near 0


def test_seeding_leaves_numbers_asked_for_earlier_alone():
    import jittor as jt

    runtime.seed_jittor(1, "test")
    expected = jt.rand((10,)).numpy()
    runtime.seed_jittor(1, "test")
    lazy = jt.rand((10,))
    runtime.seed_jittor(2, "test")
    assert np.array_equal(lazy.numpy(), expected)


def test_an_import_that_failed_is_guarded_again_when_it_is_repeated(tmp_path):
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


def test_versions_name_all_that_a_result_depends_on():
    versions = runtime.versions()
    assert versions["jittor"].startswith("1.3.11") and versions["numpy"] == np.__version__
    assert set(versions) == {
        "jgan", "jittor", "numpy", "python", "g++", "platform", "device", "kernels", "processor", "threads",
    }  # fmt: skip
    assert all(versions.values())


def test_a_folder_called_jgan_beside_a_script_does_not_hide_the_package(tmp_path):
    """As a clone does that stands beside its user's program."""
    (tmp_path / "jgan" / "scripts").mkdir(parents=True)
    (tmp_path / "mine.py").write_text("import jgan; print(jgan.__version__)")
    assert run_python(tmp_path / "mine.py", cwd=tmp_path).stdout == f"{jgan.__version__}\n"
