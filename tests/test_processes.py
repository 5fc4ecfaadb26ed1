from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan import processes
from jgan.errors import UserError


@pytest.fixture
def third_of_four(monkeypatch):
    """What mpirun -np 4 sets for the third process."""
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "2")


def test_a_single_process_is_the_first_and_has_all():
    whole = np.arange(8.0)
    assert (processes.size(), processes.rank(), processes.is_first()) == (1, 0, True)
    assert processes.share(whole) is whole and processes.whole(whole) is whole
    assert processes.differing(7) == []
    np.testing.assert_array_equal(processes.gather(whole), [whole])
    var = jt.array(whole)
    assert processes.mean(var) is var


@pytest.mark.parametrize("axis", [0, 1])
def test_the_shares_of_all_processes_are_the_whole_batch(monkeypatch, axis):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    whole = np.arange(64.0).reshape((8, 8))
    shares = []
    for rank in range(4):
        monkeypatch.setenv("OMPI_COMM_WORLD_RANK", str(rank))
        shares.append(processes.share(whole, axis))
        np.testing.assert_array_equal(processes.share(jt.array(whole), axis).numpy(), shares[-1])
    assert all(share.size == whole.size // 4 for share in shares)
    np.testing.assert_array_equal(np.concatenate(shares, axis), whole)


def test_alone_a_process_has_all(third_of_four):
    with processes.alone():
        assert processes.size() == 1 and len(processes.share(np.arange(8))) == 8
        with processes.alone():
            pass
        assert processes.size() == 1
    assert processes.size() == 4 and not processes.is_first()


def test_a_batch_that_cannot_be_shared_is_refused(third_of_four):
    processes.require_shares(8)
    with pytest.raises(UserError, match="one of 6 is not a multiple of 4; it can be shared by 1, 2, 3, 6"):
        processes.require_shares(6)
