"""The bundled MNIST, files of the reader's own, and what is said of bad ones."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from utils import data

TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
KEYS = ["x_train", "y_train", "x_test", "y_test"]


def small_arrays():
    """Return a valid data set: 20 + 10 images of 12 rows and 9 columns."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (20, 12, 9), dtype=np.uint8),
        "y_train": np.arange(20, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, (10, 12, 9), dtype=np.uint8),
        "y_test": np.arange(10, dtype=np.uint8),
    }


@pytest.fixture
def mine(tmp_path):
    """Return the path of a valid file."""
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, **small_arrays())
    return path


# --- MNIST ---------------------------------------------------------------------


def test_mnist_is_the_published_data_set():
    (x_train, y_train), (x_test, y_test) = data.load_mnist()
    assert x_train.shape == (60_000, 28, 28)
    assert x_test.shape == (10_000, 28, 28)
    assert y_train.shape == (60_000,)
    assert y_test.shape == (10_000,)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert np.bincount(y_train).tolist() == TRAIN_COUNTS
    assert np.bincount(y_test).tolist() == TEST_COUNTS
    # The constants that PyTorch's MNIST example normalises with.
    assert round(x_train.mean() / 255, 4) == 0.1307
    assert round(x_train.std() / 255, 4) == 0.3081


def test_mnist_is_kept_and_therefore_read_only():
    train, test = data.load_mnist()
    assert data.load_mnist() == (train, test)  # the same objects: no array is compared
    for array in train + test:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
        assert array.copy().flags.writeable


def load_mnist_from(folder):
    """Run a copy of the module in `folder`, with the `mnist.npz` that lies there."""
    source = shutil.copy(data.__file__, folder)
    spec = importlib.util.spec_from_file_location("data_elsewhere", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load_mnist()


@pytest.mark.parametrize("key", KEYS)
def test_one_changed_bit_of_mnist_is_found(tmp_path, key):
    train, test = data.load_mnist()
    arrays = dict(zip(KEYS, train + test, strict=True))
    changed = arrays[key].copy()
    changed[-1] ^= 1  # labels stay in 0..9, so that only the digest can tell
    np.savez(tmp_path / "mnist.npz", **{**arrays, key: changed})
    expected = rf"mnist\.npz: Expected the published MNIST.*'{key}'.*git checkout"
    with pytest.raises(ValueError, match=expected):
        load_mnist_from(tmp_path)


def test_a_damaged_mnist_file_names_the_remedy(tmp_path):
    raw = bytearray(data.MNIST_FILE.read_bytes())
    raw[5_000_000] ^= 1
    (tmp_path / "mnist.npz").write_bytes(raw)
    with pytest.raises(ValueError, match=r"mnist\.npz: .*damaged.*git checkout utils/"):
        load_mnist_from(tmp_path)


def test_a_missing_mnist_file_names_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mnist\.npz: .*git checkout utils/"):
        load_mnist_from(tmp_path)


# --- A file of the reader's own ------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("as_path", [str, Path])
def test_round_trip_of_cropped_mnist(tmp_path, save, as_path):
    train, test = data.load_mnist()
    (x_train, y_train), (x_test, y_test) = train, test
    path = tmp_path / "cropped.npz"
    save(
        path,
        x_train=x_train[:300, 2:26, 4:24],
        y_train=y_train[:300].astype(np.int64),
        x_test=np.asfortranarray(x_test[:100, 2:26, 4:24]),
        y_test=y_test[:100].astype(">i4"),
        notes=np.array(["an extra array is no error"], dtype=object),
    )
    (x_fit, y_fit), (x_new, y_new) = data.load_npz(as_path(path))
    np.testing.assert_array_equal(x_fit, x_train[:300, 2:26, 4:24])
    np.testing.assert_array_equal(y_fit, y_train[:300])
    np.testing.assert_array_equal(x_new, x_test[:100, 2:26, 4:24])
    np.testing.assert_array_equal(y_new, y_test[:100])
    assert {a.dtype for a in (x_fit, y_fit, x_new, y_new)} == {np.dtype("uint8")}
    assert all(a.flags.writeable for a in (x_fit, y_fit, x_new, y_new))


def test_data_are_known_by_what_is_in_them(mine, tmp_path):
    assert data.load("mnist") == data.load_mnist()
    again = tmp_path / "again.npz"
    np.savez(again, **small_arrays())  # not compressed: another file, the same data
    found = {data.digest(*data.load(str(path))) for path in (mine, again)}
    assert len(found) == 1
    for key, array in small_arrays().items():
        changed = array.copy()
        changed.flat[-1] ^= 1
        np.savez(again, **{**small_arrays(), key: changed})
        found.add(data.digest(*data.load(str(again))))
    assert len(found) == 5


def test_a_path_may_begin_with_the_home_folder(mine, monkeypatch):
    monkeypatch.setenv("HOME", str(mine.parent))
    monkeypatch.setenv("USERPROFILE", str(mine.parent))
    (images, _), _ = data.load_npz("~/mine.npz")
    np.testing.assert_array_equal(images, small_arrays()["x_train"])


def with_nan(images):
    images = images / 255
    images[0, 0, :2] = np.nan
    return images


BAD_ARRAYS = {  # what is wrong: (array, how it is changed, what the message says)
    "key missing": ("y_test", lambda a: None, r"the arrays .*'y_test'\]\. Received \["),
    "floats 0..1": ("x_train", lambda a: a / 255, r"uint8.*float64 from 0\.0 to .*255"),
    "integers": ("x_train", np.int64, r"type uint8.*type int64 from 0 to 255"),
    "NaN": ("x_train", with_nan, r"2 values NaN.*Replace any NaN"),
    "channel axis": ("x_train", lambda a: a[..., None], r"shape \(20, 12, 9, 1\)\."),
    "colours": (
        "x_test",
        lambda a: np.stack([a] * 3, axis=-1),
        r"shape \(10, 12, 9, 3\).*average colours",
    ),
    "a scalar": ("x_train", lambda a: a[0, 0, 0], r"shape \(\)"),
    "no images": ("x_train", lambda a: a[:0], r"none of them 0.*\(0, 12, 9\)"),
    "too few labels": ("y_train", lambda a: a[:-1], r"\(20,\).*shape \(19,\)"),
    "label column": ("y_train", lambda a: a[:, None], r"\(20, 1\).*ravel\(\)"),
    "one-hot labels": ("y_train", lambda a: np.eye(10)[a], r"\(20, 10\).*argmax"),
    "label 10": ("y_test", lambda a: a + 1, r"from 1 to 10.*Number the 10 classes"),
    "NaN labels": ("y_train", lambda a: np.where(a, a, np.nan), r"2 values NaN"),
    "last": ("x_train", lambda a: np.moveaxis(a, 0, -1), r"lie last.*moveaxis"),
    "0 or 1": ("x_train", lambda a: a // 200, r"0 or 1\. Multiply them by 255"),
    "47 classes": ("y_train", lambda a: np.arange(20) + 27, r"ten.*these are 20"),
    "two sizes": ("x_test", lambda a: a[:, 1:], r"one size.*\(12, 9\) and \(11, 9\)"),
    "objects": (
        "x_train",
        lambda a: a.astype(object),
        r"never unpickled.*numpy\.stack",
    ),
    "objects, labels": (
        "y_test",
        lambda a: a.astype(object),
        r"'y_test', labels as numbers.*never unpickled",
    ),
}


@pytest.mark.parametrize("wrong", BAD_ARRAYS)
def test_an_array_that_does_not_fit_is_refused_with_its_remedy(tmp_path, wrong):
    key, change, message = BAD_ARRAYS[wrong]
    arrays = small_arrays()
    changed = change(arrays.pop(key))
    if changed is not None:
        arrays[key] = changed
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=rf"bad\.npz: Expected .*{message}"):
        data.load_npz(tmp_path / "bad.npz")


def write_npy(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


BAD_FILES = {  # what is wrong: (how the file is written, error, what it says)
    "missing": (lambda path: None, FileNotFoundError, "it starts from /"),
    "a folder": (Path.mkdir, FileNotFoundError, "it starts from /"),
    "empty": (Path.touch, ValueError, r"begins with b''\..*numpy\.savez\(path, x_tr"),
    "text": (
        lambda path: path.write_text("x,y\n1,2\n", "utf-8"),
        ValueError,
        r"b'x,y\\n1,'",
    ),
    "a single array": (write_npy, ValueError, r"NUMPY'.*numpy\.savez"),
}


@pytest.mark.parametrize("wrong", BAD_FILES)
def test_a_file_that_is_not_an_archive_is_refused_with_its_remedy(tmp_path, wrong):
    write, error, message = BAD_FILES[wrong]
    write(tmp_path / "bad.npz")
    with pytest.raises(error, match=rf"bad\.npz: Expected .*{message}"):
        data.load_npz(tmp_path / "bad.npz")


def test_no_damage_goes_unnoticed(mine):
    """Each changed byte and each cut gives the readable error, or the right data."""
    np.savez(mine, **small_arrays())
    raw, expected = mine.read_bytes(), data.load_npz(mine)
    damaged = [raw[:length] for length in range(0, len(raw), 17)]
    for place in range(0, len(raw), 11):
        for change in (0x01, 0xFF):
            damaged.append(bytearray(raw))
            damaged[-1][place] ^= change
    messages = []
    for content in damaged:
        mine.write_bytes(content)
        try:
            received = data.load_npz(mine)
        except ValueError as error:
            messages.append(str(error))
            continue
        # What changed is a date or another note that does not matter to the data.
        for array, same in zip(sum(received, ()), sum(expected, ()), strict=True):
            np.testing.assert_array_equal(array, same)
    assert all(message.startswith(f"{mine}: Expected ") for message in messages)
    assert len(messages) > len(damaged) / 2


class Trap:
    """Leaves a mark on the disk when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("key", KEYS)
def test_objects_in_an_array_are_not_unpickled(tmp_path, key):
    path, mark = tmp_path / "trap.npz", tmp_path / "mark"
    np.savez(path, **{**small_arrays(), key: np.array([Trap(mark)], dtype=object)})
    with pytest.raises(ValueError, match=r"trap\.npz: .*never unpickled"):
        data.load_npz(path)
    assert not mark.exists()
    with np.load(path, allow_pickle=True) as archive:
        archive[key]
    assert mark.exists()  # the trap works: a loader that unpickles would be caught


# --- Validation ----------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 19])
def test_validation_split_divides_and_keeps_pairs(count):
    images = np.arange(20)[:, None, None] * np.ones((1, 3, 2), int)
    labels = np.arange(20)
    fit, validation = data.validation_split(images, labels, count)
    for part_images, part_labels in (fit, validation):
        np.testing.assert_array_equal(part_images[:, 0, 0], part_labels)
        np.testing.assert_array_equal(part_labels, np.sort(part_labels))
    assert len(validation[0]) == count
    assert sorted([*fit[1], *validation[1]]) == list(range(20))


def test_validation_split_depends_on_the_seed_alone():
    images, labels = np.zeros((500, 1, 1)), np.arange(500)
    first, again, other = (
        data.validation_split(images, labels, 100, seed)[1][1] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) < 50  # 20 expected of two draws
    larger = data.validation_split(images, labels, 200, 3)[1][1]
    assert set(first) < set(larger)


@pytest.mark.parametrize("count", [-1, 0, 5, 6, float("nan")])
def test_validation_split_refuses_an_empty_part(count):
    with pytest.raises(ValueError, match=rf"from 1 to 4.*count={count}"):
        data.validation_split(np.zeros((5, 2, 2)), np.arange(5), count)
