"""The network in plain NumPy, float64, written from the formulas: slow and obvious.

Arrays are `(batch, rows, cols, channels)`, as in the project.
"""

import numpy as np

from utils.layers import LocalResponseNormalization


def convolve(x, kernel):
    """Cross-correlation at stride 1, without padding, of kernel `(k, l, in, out)`."""
    k_rows, k_cols, _, n_out = kernel.shape
    rows, cols = x.shape[1] - k_rows + 1, x.shape[2] - k_cols + 1
    out = np.zeros((len(x), rows, cols, n_out))
    for i in range(k_rows):
        for j in range(k_cols):
            out += x[:, i : i + rows, j : j + cols] @ kernel[i, j]
    return out


def max_pool(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return windows[:, ::2, ::2].max(axis=(-2, -1))


normalise = LocalResponseNormalization().formula  # on NumPy's arrays, in float64


def pad(x, width):
    return np.pad(x, ((0, 0), (width, width), (width, width), (0, 0)))


def rectify(x):
    return np.maximum(x, 0)


def softmax(x):
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def of_mean_one(attended):
    return attended / attended.mean(axis=(1, 2), keepdims=True)


# --- Maps of attention: features and evidence in, map out ------------------------


def evidence_for_any(features, evidence):
    return np.log(np.exp(evidence).sum(-1)) - evidence.mean(-1)


def selectivity(features, evidence):
    p = softmax(evidence)
    return 1 + (p * np.log(p)).sum(-1) / np.log(10)


def top_n(features, evidence, n=1):
    out = np.zeros(evidence.shape[:3])
    for image, of_image in enumerate(evidence):
        likely = np.argsort(of_image.mean(axis=(0, 1)))[::-1][:n]
        out[image] = softmax(of_image)[..., likely].mean(-1)
    return out


def energy(features, evidence):
    return features.mean(-1)


# --- The whole network -----------------------------------------------------------


def look_twice(images, weights, gain_of):
    """What every layer gives, by its name.

    Args:
        images: `(batch, rows, cols, 1)`, grey levels.
        weights: `{"conv_1": [kernel, bias], "conv_2": ..., "dense_2": ...}`.
        gain_of: function of features and evidence.
    """
    (w_1, b_1), (w_2, b_2), (w_3, b_3) = (
        weights[name] for name in ("conv_1", "conv_2", "dense_2")
    )
    out = {"conv_1": rectify(convolve(pad(images, 1), w_1) + b_1)}
    out["pool_1"] = max_pool(out["conv_1"])
    out["normalise_1"] = normalise(out["pool_1"])
    out["pad_1"] = pad(out["normalise_1"], 2)
    out["conv_2"] = rectify(convolve(out["pad_1"], w_2) + b_2)
    out["dense_2"] = out["conv_2"] @ w_3 + b_3
    out["attention"] = gain_of(out["conv_2"], out["dense_2"])
    out["attend"] = out["pad_1"] * pad(out["attention"][..., None], 1)
    second_look = rectify(convolve(out["attend"], w_2) + b_2)
    out["pool_2"] = max_pool(second_look)
    out["normalise_2"] = normalise(out["pool_2"])
    out["pad_2"] = pad(out["normalise_2"], 2)
    out["dense_1"] = out["pad_2"].mean(axis=(1, 2))
    out["softmax"] = softmax(out["dense_1"] @ w_3 + b_3)
    return out
