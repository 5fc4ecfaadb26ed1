"""The IDX reader against the format's description, the real MNIST, and everything that can be wrong with a file."""

from __future__ import annotations

import gzip
import http.client
import importlib.util
import io
import ssl
import struct
import urllib.request

import numpy as np
import pytest

from jgan.data import mnist
from jgan.errors import UserError
from jgan.jittor_setup.prerequisites import jittor_cache

LABELS = mnist.FILES["mnist"]["test", "labels"]


@pytest.fixture(scope="module")
def real_labels():
    """The unpacked file of the 10000 test labels."""
    return b"\0\0\x08\x01" + struct.pack(">i", 10000) + mnist.load_mnist("test").labels.astype(np.uint8).tobytes()


def test_the_real_set_is_read():
    data = mnist.load_mnist("train")
    assert data.pixels.shape == (60000, 1, 28, 28) and data.pixels.dtype == np.uint8
    assert data.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4] and data.classes == tuple("0123456789")
    assert np.bincount(data.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.pixels.mean() == pytest.approx(0.1307 * 255, rel=1e-3)  # the mean that everybody normalises by
    data = mnist.load_mnist("test", size=16, channels=3)
    assert data.pixels.shape == (10000, 3, 16, 16) and data.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_idx_is_parsed_as_described():
    content = b"\0\0\x08\x03" + struct.pack(">3i", 2, 1, 3) + bytes(range(6))
    assert mnist.parse_idx(content).tolist() == [[[0, 1, 2]], [[3, 4, 5]]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin"),
        (b"\0\0\x0d\x01" + struct.pack(">i", 1) + b"\0\0\0\0", "unsigned bytes"),
        (b"\0\0\x08\x03\0\0", "within its header"),
        (b"\0\0\x08\x01" + struct.pack(">i", 5) + b"1234", "holds 4 bytes where its header says"),
        (b"\0\0\x08\x01" + struct.pack(">i", 5) + b"123456", "holds 6 bytes where its header says"),
        (b"\0\0\x08\x01" + struct.pack(">i", -1), "where its header says"),
    ],
)
def test_what_is_no_idx_file_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        mnist.parse_idx(content)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes()


@pytest.mark.parametrize("packed", [True, False])
def test_the_users_folder_is_the_only_one(tmp_path, real_labels, packed):
    path = tmp_path / (LABELS.name + ".gz" * packed)
    path.write_bytes(gzip.compress(real_labels) if packed else real_labels)
    labels, is_own = mnist._find(LABELS, tmp_path)
    assert labels[:3].tolist() == [7, 2, 1] and is_own
    with pytest.raises(UserError, match=f"{tmp_path} holds no t10k-images-idx3-ubyte and no t10k-images-idx3-ubyte.gz"):
        mnist.load_mnist("test", data_dir=tmp_path)


def test_labels_that_are_not_asked_for_are_not_needed(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(images))
    data = mnist.load_mnist("train", data_dir=tmp_path, labelled=False)
    assert np.array_equal(data.pixels[:, 0], images) and data.labels is None and data.classes == ()


def test_other_images_in_the_format_are_read_and_said_to_be_others(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 24)).astype(np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([2, 0, 2], np.uint8))))
    data = mnist.load_mnist("train", data_dir=tmp_path, size=20)
    assert np.array_equal(data.pixels[:, 0], images[:, :, 2:22])  # the middle of what is no square
    assert data.labels.tolist() == [2, 0, 2] and data.classes == ("0", "1", "2")
    first, second = capsys.readouterr().err.splitlines()
    assert "train-images-idx3-ubyte is not MNIST's file, but 3 images of 24 x 20 in its format" in first
    assert "train-labels-idx1-ubyte.gz is not MNIST's file, but 3 labels in its format" in second
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([2, 0], np.uint8))))
    with pytest.raises(UserError, match="holds 3 images and 2 labels of train"):
        mnist.load_mnist("train", data_dir=tmp_path)


@pytest.mark.parametrize(("images_are_own", "labels_are_own"), [(True, False), (False, True)])
def test_classes_have_their_names_only_if_images_and_labels_are_the_sets_own(
    monkeypatch, images_are_own, labels_are_own
):
    found = {
        "train-images-idx3-ubyte": (np.zeros((2, 28, 28), np.uint8), images_are_own),
        "train-labels-idx1-ubyte": (np.array([1, 0], np.uint8), labels_are_own),
    }
    monkeypatch.setattr(mnist, "_find", lambda file, data_dir: found[file.name])
    assert mnist.load_mnist("train", name="fashion_mnist").classes == ("0", "1")


def test_sizes_that_no_memory_holds_are_refused():
    with pytest.raises(UserError, match=r"60000 images of 1000000 x 1000000 pixels need .* of memory, and .* are free"):
        mnist.load_mnist("train", size=10**6)


def test_without_a_data_folder_nothing_is_said(capsys):
    mnist.load_mnist("test")
    assert capsys.readouterr().err == ""


def test_jittors_cache_comes_after_the_package(tmp_path, real_labels, monkeypatch):
    monkeypatch.setenv("JITTOR_HOME", str(tmp_path))
    monkeypatch.setattr(mnist.importlib.util, "find_spec", lambda name: None)
    folder = jittor_cache() / "dataset" / "mnist_data"
    folder.mkdir(parents=True)
    (folder / f"{LABELS.name}.gz").write_bytes(gzip.compress(real_labels))
    assert mnist._find(LABELS, None)[0][:3].tolist() == [7, 2, 1]


def test_a_data_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UserError, match=f"the data folder {tmp_path / 'gone'} does not exist"):
        mnist.load_mnist("test", data_dir=tmp_path / "gone")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=f"the data folder {tmp_path / 'file'} is a file, not a folder"):
        mnist.load_mnist("test", data_dir=tmp_path / "file")


def spoil(real: bytes, fault: str) -> bytes:
    packed = gzip.compress(real)
    return {
        "truncated archive": packed[:-100],
        "not an archive": b"<html>404</html>",
        "empty": b"",
        "damaged archive": packed[:200] + b"\xff" * 20 + packed[220:],
        "truncated content": gzip.compress(real[:-1]),
        "no idx file": gzip.compress(b"P5 28 28 255"),
        "images for labels": gzip.compress(idx(np.zeros((2, 3, 3), np.uint8))),
        "nothing": gzip.compress(idx(np.zeros(0, np.uint8))),
    }[fault]


@pytest.mark.parametrize(
    "fault",
    [
        "truncated archive", "not an archive", "empty", "damaged archive",
        "truncated content", "no idx file", "images for labels", "nothing",
    ],
)  # fmt: skip
def test_a_bad_file_is_named_with_what_was_expected(tmp_path, real_labels, fault):
    path = tmp_path / f"{LABELS.name}.gz"
    path.write_bytes(spoil(real_labels, fault))
    with pytest.raises(UserError) as caught:
        mnist._find(LABELS, tmp_path)
    sentence = str(caught.value)
    assert str(path) in sentence and "10008 bytes" in sentence and LABELS.sha256 in sentence


class Server:
    """In place of urlopen: hands out what it was given, and remembers how it was asked."""

    def __init__(self, content: bytes | Exception):
        self.content = content

    def __call__(self, url, *, timeout, context):
        self.url, self.context = url, context
        if isinstance(self.content, Exception):
            raise self.content
        return io.BytesIO(self.content)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine that has no MNIST; returns the function that puts a server in place."""
    monkeypatch.setenv("JITTOR_HOME", str(tmp_path))
    monkeypatch.setattr(mnist.importlib.util, "find_spec", lambda name: None)

    def serve(content):
        server = Server(content)
        monkeypatch.setattr(urllib.request, "urlopen", server)
        return server

    return serve


def test_a_missing_file_is_downloaded_once_over_verified_tls(nowhere, real_labels, monkeypatch):
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)  # as Jittor leaves it
    server = nowhere(gzip.compress(real_labels))
    assert mnist._find(LABELS, None)[0][:3].tolist() == [7, 2, 1]
    assert server.url == f"https://ossci-datasets.s3.amazonaws.com/mnist/{LABELS.name}.gz"
    assert server.context.verify_mode == ssl.CERT_REQUIRED and server.context.check_hostname
    nowhere(OSError("no network"))
    assert mnist._find(LABELS, None)[0][:3].tolist() == [7, 2, 1]


@pytest.mark.parametrize("content", [b"", b"<html>sign in</html>", gzip.compress(b"something else", mtime=0)])
def test_a_wrong_download_is_refused_and_not_kept(nowhere, content):
    nowhere(content)
    with pytest.raises(UserError, match="sent something other than the MNIST file"):
        mnist._find(LABELS, None)
    assert not list((jittor_cache()).rglob("*ubyte*"))


@pytest.mark.parametrize("error", [OSError("Name or service not known"), http.client.IncompleteRead(b"half")])
def test_without_a_network_the_ways_out_are_named(nowhere, error):
    nowhere(error)
    with pytest.raises(UserError, match=r"can't be reached .*jittor-offline.*data_dir"):
        mnist._find(LABELS, None)


def test_fashion_mnist_is_not_taken_from_files_of_mnist():
    """Both sets' files have the same names and sizes, and jittor-offline brings those of MNIST alone."""
    offline = importlib.util.find_spec("jittor_offline").submodule_search_locations[0]
    name = "train-images-idx3-ubyte"
    with pytest.raises(UserError, match=f"{name}.gz is {name} of MNIST; Fashion-MNIST's {name} is needed"):
        mnist.load_mnist("train", data_dir=offline, name="fashion_mnist")


def test_fashion_mnist_is_downloaded_by_its_own_address(tmp_path, monkeypatch, capsys):
    def unreachable(url, **_):
        assert url.startswith("https://") and url.endswith("/data/fashion/t10k-images-idx3-ubyte.gz")
        raise OSError("no network")

    monkeypatch.setenv("JITTOR_HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    with pytest.raises(UserError, match=r"reached \(no network\); give the folder that holds it as --data_dir"):
        mnist.load_mnist("test", name="fashion_mnist")
    assert "downloading https://" in capsys.readouterr().err
