"""The network in plain NumPy, float64, written from the formulas: slow and obvious.

Arrays are `(batch, rows, cols, channels)`, as in the project.
"""

import numpy as np

from utils.data import load_mnist
from utils.layers import LocalResponseNormalization

LAYERS = ("conv_1", "conv_2", "dense_2")


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


GAINS = {  # kinds with their gains, functions of features and evidence
    "as_coded": lambda f, e: np.full(e.shape[:3], 1 / e.shape[1]),
    "ones": lambda f, e: np.ones(e.shape[:3]),
    "energy": lambda f, e: of_mean_one(energy(f, e)),
    "top_n": lambda f, e: of_mean_one(top_n(f, e)),
}


# --- Networks and images to compare -----------------------------------------------


def digits(count, shape=(28, 28)):
    """Test digits with a little noise, tiled and cut to any size: no two alike."""
    images = load_mnist()[1][0][:count].astype("float32")
    images += np.random.default_rng(0).random(images.shape, "float32")
    tiled = np.tile(images, (1, 2, 2))
    return tiled[:, : shape[0], : shape[1], None]


def with_biases(model):
    """The model with biases that are not 0, so that they are tested too."""
    rng = np.random.default_rng(1)
    for name in LAYERS:
        bias = model.get_layer(name).bias
        bias.assign(rng.standard_normal(bias.shape))
    return model


def weights_of(model):
    """Kernel and bias of each layer, float64, as `look_twice` takes them."""
    return {
        layer.name: [np.asarray(w.value, np.float64) for w in layer.weights]
        for layer in model.layers
        if layer.name in (*LAYERS, "gate")
    }


# --- The whole network -----------------------------------------------------------


def look_twice(
    images,
    weights,
    gain_of,
    *,
    looks_at="conv_2",
    acts_on="conv_2",
    read_out="mean",
    others=None,
    gains=None,
    field=False,
    times_cue=False,
    query=0,
):
    """What every layer gives, by its name.

    Args:
        images: `(batch, rows, cols, 1)`, grey levels.
        weights: `{"conv_1": [kernel, bias], "conv_2": ..., "dense_2": ...}`, and those
            of a `gate`.
        gain_of: function of features and evidence.
        looks_at, acts_on, read_out: as of `utils.wiring.Wiring`.
        others: of a yoked network, images that the map is made of.
        gains: a map that is given, as a channel of the input; with `field`, to
            multiply the features that the map is made of; with `times_cue`, its gain.
        query: `(channels,)`, of attention pooling.
    """
    (w_1, b_1), (w_2, b_2), (w_3, b_3) = (
        weights[name] for name in ("conv_1", "conv_2", "dense_2")
    )

    def reduce(x, look):
        pooled = max_pool(x)
        normal = normalise(pooled)
        names = f"pool_{look}", f"normalise_{look}", f"pad_{look}"
        return dict(zip(names, (pooled, normal, pad(normal, 2)), strict=True))

    rows, cols = (np.arange(size) + 1 for size in images.shape[1:3])

    def over_pixels(values):  # map[o] lies over pixels 2 o - 1 and 2 o
        return values[:, rows[:, None] // 2, cols // 2][..., None]

    if acts_on == "input":
        images = np.concatenate([images, 255 * over_pixels(gains)], -1)
    out = {"conv_1": rectify(convolve(pad(images, 1), w_1) + b_1)}
    out |= reduce(out["conv_1"], 1)
    source = out["pad_1"]
    if others is not None:
        seen = rectify(convolve(pad(others, 1), w_1) + b_1)
        source = reduce(seen, 1)["pad_1"]
    out["conv_2"] = rectify(convolve(source, w_2) + b_2)
    features = out["conv_2"]
    if looks_at == "gate":
        kernel, bias = weights["gate"]
        features = np.logaddexp(0, convolve(source, kernel) / kernel.size + bias)
    if field:
        features = features * gains[..., None]
    if looks_at == "conv_2":
        out["dense_2"] = features @ w_3 + b_3
    out["attention"] = gain_of(features, out.get("dense_2"))
    if times_cue:
        out["attention"] = out["attention"] * of_mean_one(gains)
    x = out["pad_1"]
    if acts_on == "conv_1":
        x = reduce(out["conv_1"] * over_pixels(out["attention"]), 1)["pad_1"]
    if acts_on == "conv_2":
        x = out["attend"] = x * pad(out["attention"][..., None], 1)
    out |= reduce(rectify(convolve(x, w_2) + b_2), 2)
    out["dense_1"] = out["pad_2"].mean(axis=(1, 2))
    if acts_on == "read_out":  # each place counts by the mean gain in its window
        windows = np.lib.stride_tricks.sliding_window_view(
            out["attention"], (3, 3), axis=(1, 2)
        )
        counts = of_mean_one(windows[:, ::2, ::2].mean(axis=(-2, -1)))
        out["dense_1"] = (out["pad_2"] * pad(counts[..., None], 2)).mean(axis=(1, 2))
    inside = out["pad_2"][:, 2:-2, 2:-2]
    if read_out == "mean_inside":
        out["dense_1"] = inside.mean(axis=(1, 2))
    elif read_out == "attention_pooling":
        shares = np.exp((inside * query).sum(-1, keepdims=True))
        out["dense_1"] = (shares * inside).sum((1, 2)) / shares.sum((1, 2))
    out["softmax"] = softmax(out["dense_1"] @ w_3 + b_3)
    return out
