"""The network of a page, network.js and kinds.js in Node, against Keras."""

import functools
import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from network_twice import (
    RATES,
    SHAPES,
    Lesson,
    Reference,
    Results,
    Variant,
    apart,
    decoded,
    encoded,
    in_node,
    joined,
    optimizer_in_keras,
    optimizer_in_node,
    start_in_node,
)
from node import Node

from utils.attention import KINDS
from utils.data import load_mnist
from utils.explorers.packing import BUILDS, NETWORK, network_builds
from utils.model import attention_maps, build_model, predict, set_weights
from utils.studies.uncertain_place import ENERGY, arm

ROOT = Path(__file__).parents[2]
TRAINED = {  # networks, by the size of the canvas they were trained on
    28: "utils/weights/energy-noise80-seed0-*.npz",
    60: f"figures/records/{arm(ENERGY).specs[0].name}.npz",
}
NOISE = {28: 25, 60: 60}  # SD in grey levels, by the size of the canvas
UPDATES = 5
DEFAULTS = [Variant(kind) for kind in KINDS]
VARIANTS = [
    *DEFAULTS,
    Variant("energy", 0.4),
    Variant("energy", 0.0),
    Variant("uniform", 0.5, {"gain": 2.0}),
    Variant("top_n", 1.0, {"n": 3}),
    Variant("top_n", 0.5, {"n": 10}),
    Variant("centre", 1.0, {"sd": 0.1}),
    Variant("place", 0.3),
    Variant("amount", 0.3),
    Variant("normalised", 0.7, {"sigma": 20.0}),
    Variant("normalised", 1.0, {"sigma": 0.0}),
    Variant("shuffled", 1.0, {"of": "top_n", "n": 3, "order": 2}),
    Variant("shuffled", 0.8, {"of": "normalised", "sigma": 3.0, "inside": True}),
    Variant("inverted", 0.7, {"of": "evidence"}),
    Variant("given", 0.5),
]


@pytest.fixture(scope="module", params=network_builds(), ids=BUILDS)
def node(request):
    running = Node(*NETWORK)
    running.evaluate("(build) => { globalThis.build = build; }", request.param)
    yield running
    running.close()


def digits(shape):
    """Digits at random places of a canvas; of a smaller canvas, its lower corner."""
    images, labels = (each[:UPDATES] for each in load_mnist()[1])
    canvas = np.maximum(shape, 28)
    shown = np.zeros((UPDATES, *canvas), "float32")
    rng = np.random.default_rng(0)
    for image, digit in zip(shown, images, strict=True):
        row, col = rng.integers(canvas - 27)
        image[row : row + 28, col : col + 28] = digit
    return shown[:, -shape[0] :, -shape[1] :], labels.astype("int32")


def fresh_weights():
    return joined([each.numpy() for each in build_model(seed=3).trainable_variables])


def trained_weights(size):
    records = map(np.load, sorted(ROOT.glob(TRAINED[size])))
    record = next(each for each in records if "conv_1/kernel" in each)
    return joined([record[name] for name in SHAPES])


@functools.cache
def lesson(size, start="fresh"):
    """Digits in noise, and weights to start from."""
    images, labels = digits((size, size))
    noise = np.random.default_rng(1).standard_normal(images.shape)
    noisy = (images + NOISE[size] * noise).astype("float32")
    trained = start == "trained"
    return Lesson(noisy, labels, trained_weights(size) if trained else fresh_weights())


@functools.cache
def reference(size):
    return Reference(VARIANTS if size == 28 else DEFAULTS, lesson(size))


def assert_equal(ours: Results, theirs: Results):
    """To rounding, the gradient of each layer by itself."""
    np.testing.assert_allclose(ours.gain, theirs.gain, atol=1e-4)
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-4)
    layers = zip(SHAPES, apart(ours.gradients), apart(theirs.gradients), strict=True)
    for name, our_gradient, their_gradient in layers:
        near = 1e-4 * np.abs(their_gradient).max() + 1e-7
        np.testing.assert_allclose(our_gradient, their_gradient, 0, near, err_msg=name)
    near = 1e-5 + 1e-4 * RATES["sgd"] * np.abs(theirs.gradients).max()
    np.testing.assert_allclose(ours.after_sgd, theirs.after_sgd, atol=near)
    np.testing.assert_allclose(ours.after_adam, theirs.after_adam, atol=1e-5)


# --- Kinds, answers, gradients, updates --------------------------------------------


def test_both_sides_have_the_same_kinds(node):
    """Names, parameters with their defaults, and whether a map is a gain."""
    ours = node.evaluate(
        "() => Object.entries(KINDS).map(([name, kind]) =>"
        " [name, kind.parameters ?? {}, kind.isGain ?? false])"
    )
    assert ours == [[*each] for each in map(kind_in_script, KINDS)]


def kind_in_script(name):
    """Orders and maps are data there; here a number, and an input of the model."""
    attend, is_gain = KINDS[name].attend, KINDS[name].is_gain
    if attend is None:
        return name, {"map": None}, is_gain
    signature = inspect.signature(attend).parameters.values()
    keywords = [each for each in signature if each.kind is each.KEYWORD_ONLY]
    parameters = {each.name: each.default for each in keywords}
    if "order" in parameters:
        for moves in ("order", "inside", "each"):
            del parameters[moves]
        parameters["places"] = None
    return name, parameters, is_gain


@pytest.mark.parametrize("start", ["trained", "fresh"])
@pytest.mark.parametrize(
    ("size", "variant"),
    [*((28, each) for each in VARIANTS), *((60, each) for each in DEFAULTS)],
    ids=str,
)
def test_the_page_computes_what_keras_computes(node, size, variant, start):
    learned = lesson(size, start)
    assert_equal(in_node(node, variant, learned), reference(size)(variant, learned))


@pytest.mark.parametrize("shape", [(3, 3), (76, 76)], ids=str)
def test_the_smallest_and_the_largest_canvas_agree(node, shape):
    images, labels = digits(shape)
    noise = 20 * np.random.default_rng(2).standard_normal(images.shape)
    learned = Lesson((images + noise).astype("float32"), labels, fresh_weights())
    variant = Variant("evidence")
    assert_equal(
        in_node(node, variant, learned), Reference([variant], learned)(variant, learned)
    )


@pytest.mark.parametrize("kind", ["ones", "energy"])
def test_where_activities_tie_the_same_place_gets_the_gradient(node, kind):
    clean = lesson(28)._replace(images=digits((28, 28))[0])  # black around the digit
    assert_equal(
        in_node(node, Variant(kind), clean), reference(28)(Variant(kind), clean)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_image_gives_the_same_finite_results(node, kind):
    empty = lesson(28)._replace(images=0 * lesson(28).images)
    ours = in_node(node, Variant(kind), empty)
    assert np.isfinite(joined(ours)).all()
    assert_equal(ours, reference(28)(Variant(kind), empty))


@pytest.mark.parametrize("kind", ["ones", "energy"])
@pytest.mark.parametrize("sign", [1, -1], ids=["sure and right", "sure and wrong"])
def test_a_probability_that_keras_clips_has_no_gradient(node, kind, sign):
    weights = lesson(28, "trained").weights.copy()
    weights[-10:] = sign * 1000, *[0] * 9  # the evidence for a 0, everywhere
    zeros = np.zeros_like(lesson(28).labels)
    sure = lesson(28)._replace(weights=weights, labels=zeros)
    ours = in_node(node, Variant(kind), sure)
    assert not ours.gradients.any()
    np.testing.assert_array_equal(ours.after_sgd, weights)
    assert_equal(ours, reference(28)(Variant(kind), sure))


@pytest.mark.parametrize("name", RATES)
def test_updates_are_keras_own_along_the_mean_of_a_batch(node, name):
    """Keras goes along JavaScript's gradients, so that nothing is lost to rounding."""
    images, labels = (np.concatenate([each] * 2) for each in lesson(28)[:2])
    batches = lesson(28)._replace(images=images, labels=labels)
    how = {"optimizer": optimizer_in_node(name, RATES[name]), **start_in_node(batches)}
    sums, weights = node.evaluate("how => learnedInPairs(how)", how)
    variables = [keras.Variable(each) for each in apart(batches.weights)]
    optimizer = optimizer_in_keras(name)
    for sum_ in sums:
        optimizer.apply(apart(decoded(sum_) / 2), variables)
    expected = joined([each.numpy() for each in variables])
    assert len(sums) == UPDATES
    assert np.abs(expected - batches.weights).max() > 1e-4
    np.testing.assert_allclose(decoded(weights), expected, atol=1e-7)


def test_a_model_on_a_canvas_that_is_not_square_agrees(node):
    """Above, Keras' model has a kind that chooses; this one has none."""
    images, labels = digits((20, 45))
    learned = Lesson(images, labels, trained_weights(28))
    weights = dict(zip(SHAPES, apart(learned.weights), strict=True))
    model = build_model("place", image_shape=(20, 45), strength=0.3)
    set_weights(model, weights)
    ours = in_node(node, Variant("place", 0.3), learned)
    np.testing.assert_allclose(
        ours.gain, attention_maps(model, images[:1]).ravel(), atol=1e-4
    )
    np.testing.assert_allclose(
        ours.probabilities, predict(model, images[:1])[0], atol=1e-5
    )

    control = build_model("ones", image_shape=(20, 45))
    set_weights(control, weights)
    at_once = node.evaluate(
        "async ([start, image]) => {"
        " const network = await createNetwork(start);"
        " network.look(floatsOf(image));"
        " return [...network.answerAtOnce()]; }",
        [start_in_node(learned), encoded(images[0])],
    )
    np.testing.assert_allclose(at_once, predict(control, images[:1])[0], atol=1e-5)


def test_a_given_map_of_zeros_is_no_attention(node):
    gain = node.evaluate(
        "async ([start, image]) => {"
        " const network = await createNetwork(start);"
        " network.look(floatsOf(image));"
        " return [...network.attend('given', { map: new Float32Array(225) })]; }",
        [start_in_node(lesson(28)), encoded(lesson(28).images[0])],
    )
    np.testing.assert_allclose(gain, 1)


# --- What is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "network.look(image.slice(1))",
            "Expected an image of 28 x 28 = 784 grey levels; received 783. Create a",
        ),
        (
            "network.answer()",
            r"answer\(\) works on the result of attend\(kind\).*Call attend\(kind\)",
        ),
        (
            "network.addGradients(3)",
            r"addGradients\(\) works on the result of answer\(\)",
        ),
        ("network.update()", r"received none since.*Call addGradients\(label\) first"),
    ],
)
def test_an_error_says_what_came_and_what_was_expected(node, call, message):
    """After a first look, without attention so far."""
    received = node.evaluate(
        "async ([given, pixels, call]) => {"
        " const network = await createNetwork(given), image = floatsOf(pixels);"
        " network.look(image);"
        " return errorOf(() => eval(call)); }",
        [start_in_node(lesson(28)), encoded(lesson(28).images[0]), call],
    )
    assert re.search(message, received)
