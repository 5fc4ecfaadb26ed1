"""The library of the kernels: compiled once for each compiler, processor and source, or done without."""

from __future__ import annotations

import types

import jittor as jt
import pytest

from jgan import kernels
from jgan.kernels import library
from jgan.kernels.library import SOURCES, onednn

pytestmark = pytest.mark.cpu("kernels are for the CPU")


@pytest.fixture
def compiled(monkeypatch, tmp_path):
    """A function that asks for the library, and how often a stand-in for the compiler was called so far."""
    calls = tmp_path / "calls"
    compiler = tmp_path / "compiler"
    compiler.write_text(f'#!/bin/sh\necho "$@" >> "{calls}"\nwhile [ "$1" != -o ]; do shift; done\necho made > "$2"\n')
    compiler.chmod(0o755)
    flags = types.SimpleNamespace(cc_path=str(compiler), cc_flags="-march=native -Ofast", cache_path=str(tmp_path))
    monkeypatch.setattr(library, "jt", types.SimpleNamespace(flags=flags))

    def ask(**changed):
        vars(flags).update(changed)
        made = library.shared_library.__wrapped__()
        return made, len(calls.read_text().splitlines()) if calls.exists() else 0

    return ask


def test_it_is_compiled_once_for_each_processor_and_source(compiled, monkeypatch, tmp_path):
    n_files = len(list(SOURCES.glob("*.cpp"))) - (onednn() is None) + 1  # and the library itself
    first, n_calls = compiled()
    assert first.read_text() == "made\n" and n_calls == n_files
    assert compiled() == (first, n_files)
    other, n_calls = compiled(cc_flags="-march=haswell -Ofast")
    assert other != first and n_calls == 2 * n_files
    changed = tmp_path / "sources"
    changed.mkdir()
    for path in [*SOURCES.glob("*.cpp"), *SOURCES.glob("*.hpp")]:
        (changed / path.name).write_text(path.read_text())
    monkeypatch.setattr(library, "SOURCES", changed)
    assert compiled() == (other, 2 * n_files)  # another clone with the same sources
    (changed / "scratch.hpp").write_text("// another\n")
    assert compiled()[0] not in (first, other)


def test_without_onednn_there_is_no_convolution_in_it(compiled, monkeypatch, tmp_path):
    monkeypatch.setattr(library, "onednn", lambda: None)
    compiled()
    assert "convolve" not in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("compiler", ["/nowhere/g++", "false"])
def test_where_it_cannot_be_compiled_jittors_operators_serve(compiler, compiled, monkeypatch, capsys, tmp_path):
    assert compiled(cc_path=compiler) == (None, 0)
    assert "cannot be compiled, so Jittor's own operators serve" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.so"))
    monkeypatch.setattr(kernels, "shared_library", lambda: None)
    assert not kernels.can_use_kernels(jt.ones(3))
