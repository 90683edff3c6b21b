"""MNIST, or a data set of the reader's own: images and labels as NumPy arrays.

MNIST (LeCun, Bottou, Bengio & Haffner, 1998, *Proceedings of the IEEE* 86:2278)
holds 70,000 handwritten digits of 28 x 28 grey levels, 0 (background) to 255
(ink). A copy lies beside this module, so nothing is downloaded. A file of the
same schema, with images of any size, can take its place (`load_npz`).
"""

import functools
import hashlib
import os
from pathlib import Path

import numpy as np

Part = tuple[np.ndarray, np.ndarray]  # images (images, rows, cols), labels (images,)

MNIST_FILE = Path(__file__).with_name("mnist.npz")
# SHA-256 of each array's bytes: compressing the file anew does not change them.
MNIST_DIGESTS = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
WRITE = f"Write it with `numpy.savez(path, {'=..., '.join(MNIST_DIGESTS)}=...)`."


@functools.cache
def load_mnist() -> tuple[Part, Part]:
    """Load MNIST as `keras.datasets.mnist.load_data()` does, without a network.

    The arrays are checked against the published ones and kept: a second call
    returns the same arrays at once. They are therefore read-only. To change one,
    copy it (`x_train.copy()`); arithmetic such as `x_train / 255` copies anyway.

    Returns:
        `((x_train, y_train), (x_test, y_test))`, all uint8: images of shape
        `(60000, 28, 28)` and `(10000, 28, 28)` in grey levels from 0 to 255,
        labels of shape `(60000,)` and `(10000,)` from 0 to 9.

    Raises:
        ValueError: If the file is damaged or holds anything but MNIST.
        FileNotFoundError: If the file is missing.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_mnist()
        >>> x_train.shape
        (60000, 28, 28)
    """
    remedy = (
        "Restore MNIST with `git checkout utils/mnist.npz`, or download the project "
        "again. Load a data set of your own with `utils.data.load_npz`."
    )
    try:
        train, test = load_npz(MNIST_FILE)
    except (OSError, ValueError) as error:
        raise type(error)(f"{error} {remedy}") from error
    for (key, expected), array in zip(MNIST_DIGESTS.items(), train + test, strict=True):
        received = hashlib.sha256(array.tobytes()).hexdigest()
        if received != expected:
            wanted = f"the published MNIST, where the SHA-256 of {key!r} is {expected}"
            raise _error(MNIST_FILE, wanted, received, remedy)
        array.flags.writeable = False
    return train, test


def load_npz(path: str | os.PathLike) -> tuple[Part, Part]:
    """Load a data set of your own from an `.npz` file of MNIST's schema.

    Images may have any size, as long as train and test share it. Labels of any
    integer type become uint8. Python objects in the file are never unpickled: a
    file from elsewhere cannot run code.

    Args:
        path: A file written by `numpy.savez` or `numpy.savez_compressed` with
            `x_train` and `x_test`, uint8 of shape `(images, rows, cols)`, and
            `y_train` and `y_test`, integers from 0 to 9 of shape `(images,)`.

    Returns:
        `((x_train, y_train), (x_test, y_test))`, all uint8, images in grey levels.
        From a copy of MNIST's file these are the arrays of `load_mnist`.

    Raises:
        ValueError: If it is not such an archive; the message says what came, what
            was expected and how to fix it.
        FileNotFoundError: If there is no such file.

    Example:
        >>> np.savez_compressed("mine.npz", x_train=x_train, y_train=y_train,
        ...                     x_test=x_test, y_test=y_test)
        >>> (x_train, y_train), (x_test, y_test) = load_npz("mine.npz")
    """
    path = Path(path).expanduser()
    arrays = _read(path)
    train, test = (_check(path, arrays, part) for part in ("train", "test"))
    if train[0].shape[1:] != test[0].shape[1:]:
        received = f"{train[0].shape[1:]} and {test[0].shape[1:]} (rows, cols)"
        remedy = "Crop, pad or resample one of the two sets."
        raise _error(path, "training and test images of one size", received, remedy)
    return train, test


def load(data: str) -> tuple[Part, Part]:
    """Load MNIST for the word "mnist", or else the file at that path (`load_npz`)."""
    return load_mnist() if data == "mnist" else load_npz(data)


def digest(train: Part, test: Part) -> str:
    """The SHA-256 of a data set's arrays; the name of its file does not matter."""
    found = hashlib.sha256()
    for array in train + test:
        found.update(f"{array.shape}".encode())
        found.update(np.ascontiguousarray(array))
    return found.hexdigest()


def validation_split(
    images: np.ndarray, labels: np.ndarray, count: int = 10_000, seed: int = 0
) -> tuple[Part, Part]:
    """Set training images aside, to choose settings without looking at test images.

    They are drawn at random, without regard to labels. Both parts keep the order of
    the input. With one seed, each validation set contains every smaller one.

    Args:
        images: Shape `(images, ...)`.
        labels: Shape `(images,)`.
        count: Number of images to set aside, from 1 to all but one.
        seed: The same seed sets the same images aside.

    Returns:
        `((x_fit, y_fit), (x_validation, y_validation))`, copies.

    Raises:
        ValueError: If images and labels differ in number, or `count` leaves a part
            empty.

    Example:
        >>> (x_fit, y_fit), (x_validation, y_validation) = validation_split(
        ...     x_train, y_train)
        >>> len(x_fit), len(x_validation)
        (50000, 10000)
    """
    if len(images) != len(labels) or not 1 <= count < len(images):
        raise ValueError(
            "Expected one label for each image, and `count` from 1 to "
            f"{len(images) - 1}, so that some remain. Received {len(images)} images "
            f"and {len(labels)} labels, count={count}."
        )
    aside = np.zeros(len(images), dtype=bool)
    aside[np.random.default_rng(seed).permutation(len(images))[:count]] = True
    return (images[~aside], labels[~aside]), (images[aside], labels[aside])


def _error(path: Path, expected: str, received: str, remedy: str) -> ValueError:
    return ValueError(f"{path}: Expected {expected}. Received {received}. {remedy}")


def _read(path: Path) -> dict[str, np.ndarray]:
    """Read the four arrays of an archive, without checking them."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: Expected an .npz file. Correct the path; it starts from "
            f"{Path.cwd()}."
        )
    with path.open("rb") as file:  # NumPy would leave a damaged file open
        start = file.read(6)
        if not start.startswith(b"PK"):
            raise _error(path, "an .npz file", f"one that begins with {start!r}", WRITE)
        file.seek(0)
        arrays, name = {}, "an .npz file of numbers"
        try:
            archive = np.load(file, allow_pickle=False)
            found = archive.files
            for key in filter(found.__contains__, MNIST_DIGESTS):
                name = f"{key!r}, {'images' if key[0] == 'x' else 'labels'} as numbers"
                # A member that is no array comes as bytes: made one, it fails _check.
                arrays[key] = np.asarray(archive[key])
        except Exception as error:  # zipfile, zlib and NumPy raise a dozen types
            remedy = (
                "If it is cut short or damaged, copy or download it again. Python "
                "objects are never unpickled: save images as `numpy.stack(images)`, "
                "uint8, and labels as `numpy.array(labels, 'uint8')`."
            )
            raise _error(path, name, repr(error), remedy) from error
    if len(arrays) < len(MNIST_DIGESTS):
        raise _error(path, f"the arrays {list(MNIST_DIGESTS)}", f"{found}", WRITE)
    return arrays


def _check(path: Path, arrays: dict[str, np.ndarray], part: str) -> Part:
    """Check one part, `train` or `test`; return its images and its labels as uint8."""
    x, y = f"x_{part}", f"y_{part}"
    images, labels = arrays[x], arrays[y]
    if remedy := _remedy_of_images(x, images, labels):
        expected = f"{x!r} of type uint8, shape (images, rows, cols), none of them 0"
        raise _error(path, f"{expected}, from 0 to 255", _described(images), remedy)
    if remedy := _remedy_of_labels(y, labels, len(images)):
        expected = f"{y!r} of integers 0 to 9, shape {images.shape[:1]}, one an image"
        raise _error(path, expected, _described(labels), remedy)
    return images, labels.astype(np.uint8)


def _remedy_of_images(x, images, labels) -> str:
    """How to correct images, or nothing if they are right."""
    if images.ndim == 3 and images.shape[2] == len(labels) != len(images):
        return f"The images lie last. Move them first: `np.moveaxis({x}, -1, 0)`."
    if images.ndim == 3 and images.size and images.dtype == np.uint8:
        binary = images.max() == 1
        return f"They are 0 or 1. Multiply them by 255: `{x} * 255`." if binary else ""
    return (
        f"Drop a channel axis with `{x}[..., 0]`, average colours with "
        f"`{x}.mean(axis=-1)`, unfold flat images with `{x}.reshape`. Replace any "
        "NaN, multiply values from 0 to 1 by 255, then convert: "
        f"`{x}.round().astype('uint8')`."
    )


def _remedy_of_labels(y, labels, images) -> str:
    """How to correct labels, or nothing if they are right."""
    whole = labels.shape == (images,) and labels.dtype.kind in "iu"
    if whole and labels.min() >= 0 and labels.max() <= 9:
        return ""
    if whole and len(classes := np.unique(labels)) <= 10:
        return (
            f"Number the {len(classes)} classes from 0, in training and test alike: "
            f"`np.searchsorted(classes, {y})` with `classes = np.unique(y_train)`."
        )
    if whole:
        return (
            f"The network names ten classes, and these are {len(classes)}. Keep the "
            f"images of ten: `keep = np.isin({y}, classes[:10])`; then number them "
            "from 0."
        )
    return (
        f"Flatten a column with `{y}.ravel()`, turn one-hot labels into digits with "
        f"`{y}.argmax(axis=1)`. Replace any NaN, then convert: `{y}.astype('uint8')`."
    )


def _described(array: np.ndarray) -> str:
    values = ""
    if array.dtype.kind in "biuf" and array.size:
        missing = np.isnan(array).sum()
        span = f" from {array.min()} to {array.max()}"
        values = f" with {missing} values NaN" if missing else span
    return f"type {array.dtype}{values}, shape {array.shape}"
