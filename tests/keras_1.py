"""Weights as Keras 1 on Theano writes them, and the network on them, channels first."""

import h5py
import numpy as np
import reference
from scipy import signal

SHAPES = {  # of the kernels
    "conv_1": (32, 1, 3, 3),
    "conv_2": (32, 32, 3, 3),
    "dense_2": (32, 10),
}


def random_weights():
    """A kernel and a bias for each layer, kernels `(out, in, rows, cols)`."""
    rng = np.random.default_rng(5)
    return {
        name: [
            (0.1 * rng.standard_normal(shape)).astype("float32"),
            rng.standard_normal(shape[-1 if len(shape) == 2 else 0]).astype("float32"),
        ]
        for name, shape in SHAPES.items()
    }


def write(path, weights, group=None):
    """Write weights as `save_weights` of Keras 1.0.7 does, layers without too."""
    names = ["input_1", "gaussiannoise_1", *weights, "activation_1"]
    with h5py.File(path, "w") as file:
        root = file.create_group(group) if group else file
        root.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            layer = root.create_group(name)
            arrays = weights.get(name, [])
            keys = [f"{name}_{key}" for key in "Wb"[: len(arrays)]]
            layer.attrs["weight_names"] = [key.encode() for key in keys]
            for key, array in zip(keys, arrays, strict=True):
                layer.create_dataset(key, data=array)
    return path


def convolve(x, kernel):
    """True convolution, the kernel flipped: `(in, rows, cols)` to `(out, ...)`."""
    return np.array(
        [
            sum(
                signal.convolve(x[c], kernel[o, c], mode="valid", method="direct")
                for c in range(len(x))
            )
            for o in range(len(kernel))
        ]
    )


def forward(image, weights, gain):
    """The published network on one image `(rows, cols)`, channels first."""

    def padded(x, width):
        return np.pad(x, ((0, 0), (width, width), (width, width)))

    def looked(x, name):
        kernel, bias = (array.astype(np.float64) for array in weights[name])
        return np.maximum(convolve(x, kernel) + bias[:, None, None], 0)

    def pooled(x):
        channels_last = np.moveaxis(x, 0, -1)[None]
        x = reference.normalise(reference.max_pool(channels_last))
        return padded(np.moveaxis(x[0], -1, 0), 2)

    x = pooled(looked(padded(image[None].astype(np.float64), 1), "conv_1"))
    x = pooled(looked(gain * x, "conv_2"))
    kernel, bias = weights["dense_2"]
    return reference.softmax(x.mean(axis=(1, 2)) @ kernel + bias)
