"""The arithmetic of one place, views/arithmetic.js in Node, against Keras."""

import functools
import re

import numpy as np
import pytest
from network_twice import SHAPES, encoded, joined
from node import Node

from utils.data import load_mnist
from utils.explorers import packing, trained
from utils.explorers.look_inside import LAYERS, VECTORS
from utils.explorers.shipped import MAPS
from utils.model import build_model, predict, set_weights
from utils.noise import add_noise

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
BORDERS = {"attend": 2}  # of padding, which the page's layers are without
TRUE = {  # of each kind, whether its map is made from the image
    kind: kind not in ("ones", "as_coded", "uniform", "amount")
    for kind in MAPS.values()
}
PLACES = [(0, 0), (1, 5), (3, 3), (4, 2), (6, 6)]  # all layers have them
CHANNELS = [(0, 0, 0), (2, 2, 7), (9, 20, 3), (31, 31, 9)]  # channel, feature, digit


@pytest.fixture(scope="module")
def node():
    names = ("network.js", "compiling.js", "views/arithmetic.js")
    running = Node(*names)
    build, _ = packing.network_builds()
    running.evaluate("(build) => { globalThis.build = build; }", build)
    yield running
    running.close()


@functools.cache
def noisy():
    image = load_mnist()[1][0][:1]
    return add_noise(image, 40, np.random.default_rng(0))


def weights_of(kind):
    weights = trained("energy" if kind == "energy" else "ones")
    return weights, joined([weights[name] for name in SHAPES])


def settings_of(kind):
    return packing.parameters("energy", {}, (28, 28)).get(kind, {})


def looked(node, kind):
    """Let a network of the page look at the noisy digit and answer."""
    start = {"rows": 28, "cols": 28, "weights": encoded(weights_of(kind)[1])}
    image, settings = encoded(noisy()[0]), settings_of(kind)
    node.evaluate(
        """async ({ start, image, kind, settings }) => {
            const network = await createNetwork(start);
            network.look(floatsOf(image));
            network.attend(kind, settings);
            network.answer();
            globalThis.seen = { network, kind, settings, layers: layersOf(network) };
        }""",
        {"start": start, "image": image, "kind": kind, "settings": settings},
    )


def layers_of(node):
    """Every layer of the page's network `(rows, cols, channels)`, by its name."""
    found = node.evaluate(
        """() => Object.fromEntries(Object.entries(seen.layers).map(([name, each]) =>
            [name, range(each.channels, (c) => range(each.rows, (row) =>
                range(each.cols, (col) => each.at(row, col, c))))]))"""
    )
    return {name: np.moveaxis(np.array(each), 0, -1) for name, each in found.items()}


def steps_of(node, layer, places=PLACES):
    chosen = [
        {"layer": layer, "row": row, "col": col, "channel": c, "feature": f, "digit": d}
        for row, col in places
        for c, f, d in CHANNELS
    ]
    function = """(all) => all.map((chosen) => {
        const { network, layers, ...map } = seen;
        return stepOf(network, layers, { ...chosen, ...map });
    })"""
    return zip(chosen, node.evaluate(function, chosen), strict=True)


@pytest.mark.parametrize("kind", ["energy", "selectivity", "as_coded"])
def test_every_layer_has_the_values_of_keras(kind, node):
    looked(node, kind)
    model = build_model(kind)
    set_weights(model, weights_of(kind)[0])
    ours = layers_of(node)
    for name in LAYERS:
        theirs = noisy() if name == "images" else predict(model, noisy(), name)
        border = BORDERS.get(name, 0)
        theirs = theirs[0, border:-border, border:-border] if border else theirs[0]
        near = 2e-5 * np.abs(theirs).max()
        np.testing.assert_allclose(
            np.squeeze(ours[name]), np.squeeze(theirs), 1e-5, near, err_msg=name
        )


def value_of(text):
    """What a line's printed arithmetic gives."""
    plain = re.sub(r" \([^()]*[a-z]{3}[^()]*\)", "", text)  # without its notes
    for sign, python in {MINUS: "-", TIMES: "*", "²": "**2", "^": "**"}.items():
        plain = plain.replace(sign, python)
    return eval(plain, {"exp": np.exp, "max": max})


def products_of(grids):
    """Of a window and a kernel, each product by the printed factors and as printed."""
    for *factors, product in zip(*(texts for _, texts, *_ in grids[:3]), strict=True):
        yield f" {TIMES} ".join(factors), product


def unit_of(text):
    return 10.0 ** -len(text.partition(".")[2])


@pytest.mark.parametrize("kind", TRUE)
def test_every_line_adds_up_as_it_is_printed(kind, node):
    """A result is within one unit of its last digit, and ends at the layer's number."""
    looked(node, kind)
    layers = layers_of(node)
    for layer in LAYERS if kind == "energy" else ["attention"]:
        for chosen, step in steps_of(node, layer):
            sums = [line.split(" = ") for line in step["lines"] if " = " in line]
            is_weighted = layer[:4] in ("conv", "dens") and layer != "dense_1"
            for left, right in [*sums, *products_of(step["grids"] * is_weighted)]:
                about = f"{layer} {chosen}: {left} = {right}"
                error = abs(value_of(left) - value_of(right))
                assert error <= 1.05 * unit_of(right), about
            place = (0, 0) if layer in VECTORS else (chosen["row"], chosen["col"])
            chooser = LAYERS[layer][1]
            name = {"evidence_digit": "digit"}.get(chooser, chooser)
            value = layers[layer][(*place, chosen[name] if name else 0)]
            if sums:
                result = sums[-1][1]
                assert abs(value - value_of(result)) <= 1.05 * unit_of(result), about
            else:
                assert layer == "images" or not TRUE[kind] or layers[layer].std() < 1e-6


def test_the_window_of_a_step_holds_what_its_number_was_made_from(node):
    looked(node, "energy")
    layers = layers_of(node)
    padded = {
        name: np.pad(each, [(2, 2), (2, 2), (0, 0)]) for name, each in layers.items()
    }
    weights, _ = weights_of("energy")
    for layer, before in (("conv_1", "images"), ("conv_2", "normalise_1")):
        kernel, bias = (weights[f"{layer}/{part}"] for part in ("kernel", "bias"))
        for chosen, step in steps_of(node, layer):
            ((name, row, col, size),) = step["inputs"]
            assert (name, size) == (before, 3)
            window = padded[before][row + 2 : row + 5, col + 2 : col + 5]
            sums = np.einsum("ijc,ijck->k", window, kernel) + bias
            expected = layers[layer][chosen["row"], chosen["col"]]
            np.testing.assert_allclose(np.maximum(sums, 0), expected, 1e-4, 1e-3)
    for layer, before in (("pool_1", "conv_1"), ("pool_2", "conv_2 again")):
        for chosen, step in steps_of(node, layer):
            ((name, row, col, size),) = step["inputs"]
            window = layers[before][row : row + size, col : col + size]
            assert name == before
            expected = layers[layer][chosen["row"], chosen["col"]]
            np.testing.assert_array_equal(window.max((0, 1)), expected)
