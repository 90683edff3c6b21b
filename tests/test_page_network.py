"""The network of a page (utils/explorers) against Keras, in a real Chromium."""

import functools
import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import scipy.stats
from page_network import (
    RATES,
    SHAPES,
    Lesson,
    Reference,
    Results,
    Variant,
    apart,
    decoded,
    encoded,
    in_page,
    joined,
    open_page,
    optimizer_in_keras,
    optimizer_in_page,
    start_in_page,
)

from utils.attention import KINDS
from utils.data import load_mnist
from utils.explorers.packing import network_module, one_script
from utils.model import attention_maps, build_model, predict, set_weights
from utils.studies.uncertain_place import ENERGY, arm
from utils.tools import wasm
from utils.tools.chromium import FLAGS, executable

ROOT = Path(__file__).parents[1]
TRAINED = {  # networks, by the size of the canvas they were trained on
    28: "utils/weights/energy-noise80-seed0-*.npz",
    60: f"figures/records/{arm(ENERGY).runs[0].name}.npz",
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

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page():
    if not executable():
        pytest.skip("there is no Chromium")
    with open_page() as page:
        yield page


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


# --- The module --------------------------------------------------------------------


def test_the_module_was_made_from_the_source():
    made_from = wasm.digest_section(wasm.SOURCE.read_bytes())
    message = "network.c has changed since network.wasm was made: run `make wasm`"
    assert wasm.MODULE.read_bytes().endswith(made_from), message


def test_the_module_is_small():
    assert wasm.MODULE.stat().st_size <= 20_000


def test_a_build_repeats_the_bytes(monkeypatch, tmp_path):
    pytest.importorskip("ziglang", reason="the compiler is not installed")
    again = tmp_path / wasm.MODULE.name
    committed = wasm.MODULE.read_bytes()
    monkeypatch.setattr(wasm, "MODULE", again)
    wasm.build()
    assert again.read_bytes() == committed


def test_without_the_compiler_an_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(wasm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ModuleNotFoundError, match=r"ziglang.*pip install -e '.\[wasm\]'"
    ):
        wasm.build()


# --- Kinds, answers, gradients, updates --------------------------------------------


def test_both_sides_have_the_same_kinds(page):
    """Names, parameters with their defaults, and whether a map is a gain."""
    ours = page.evaluate(
        "() => Object.entries(KINDS).map(([name, kind]) =>"
        " [name, kind.parameters ?? {}, kind.isGain ?? false])"
    )
    assert ours == [[*each] for each in map(kind_in_page, KINDS)]


def kind_in_page(name):
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
def test_the_page_computes_what_keras_computes(page, size, variant, start):
    learned = lesson(size, start)
    assert_equal(in_page(page, variant, learned), reference(size)(variant, learned))


@pytest.mark.parametrize("shape", [(3, 3), (76, 76)], ids=str)
def test_the_smallest_and_the_largest_canvas(page, shape):
    images, labels = digits(shape)
    noise = 20 * np.random.default_rng(2).standard_normal(images.shape)
    learned = Lesson((images + noise).astype("float32"), labels, fresh_weights())
    variant = Variant("evidence")
    assert_equal(
        in_page(page, variant, learned), Reference([variant], learned)(variant, learned)
    )


@pytest.mark.parametrize("kind", ["ones", "energy"])
def test_where_activities_tie_the_same_place_gets_the_gradient(page, kind):
    clean = lesson(28)._replace(images=digits((28, 28))[0])  # black around the digit
    assert_equal(
        in_page(page, Variant(kind), clean), reference(28)(Variant(kind), clean)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_image(page, kind):
    empty = lesson(28)._replace(images=0 * lesson(28).images)
    ours = in_page(page, Variant(kind), empty)
    assert np.isfinite(joined(ours)).all()
    assert_equal(ours, reference(28)(Variant(kind), empty))


@pytest.mark.parametrize("kind", ["ones", "energy"])
@pytest.mark.parametrize("sign", [1, -1], ids=["sure and right", "sure and wrong"])
def test_a_probability_that_keras_clips_has_no_gradient(page, kind, sign):
    weights = lesson(28, "trained").weights.copy()
    weights[-10:] = sign * 1000, *[0] * 9  # the evidence for a 0, everywhere
    zeros = np.zeros_like(lesson(28).labels)
    sure = lesson(28)._replace(weights=weights, labels=zeros)
    ours = in_page(page, Variant(kind), sure)
    assert not ours.gradients.any()
    np.testing.assert_array_equal(ours.after_sgd, weights)
    assert_equal(ours, reference(28)(Variant(kind), sure))


@pytest.mark.parametrize("name", RATES)
def test_updates_are_keras_own_along_the_mean_of_a_batch(page, name):
    """Keras goes along the page's gradients, so that nothing is lost to rounding."""
    images, labels = (np.concatenate([each] * 2) for each in lesson(28)[:2])
    batches = lesson(28)._replace(images=images, labels=labels)
    how = {"optimizer": optimizer_in_page(name, RATES[name]), **start_in_page(batches)}
    sums, weights = page.evaluate("how => learnedInPairs(how)", how)
    variables = [keras.Variable(each) for each in apart(batches.weights)]
    optimizer = optimizer_in_keras(name)
    for sum_ in sums:
        optimizer.apply(apart(decoded(sum_) / 2), variables)
    expected = joined([each.numpy() for each in variables])
    assert len(sums) == UPDATES
    assert np.abs(expected - batches.weights).max() > 1e-4
    np.testing.assert_allclose(decoded(weights), expected, atol=1e-7)


def test_a_model_as_it_is_on_a_canvas_that_is_not_square(page):
    """Above, Keras' model has a kind that chooses; this one has none."""
    images, labels = digits((20, 45))
    learned = Lesson(images, labels, trained_weights(28))
    weights = dict(zip(SHAPES, apart(learned.weights), strict=True))
    model = build_model("place", image_shape=(20, 45), strength=0.3)
    set_weights(model, weights)
    ours = in_page(page, Variant("place", 0.3), learned)
    np.testing.assert_allclose(
        ours.gain, attention_maps(model, images[:1]).ravel(), atol=1e-4
    )
    np.testing.assert_allclose(
        ours.probabilities, predict(model, images[:1])[0], atol=1e-5
    )

    control = build_model("ones", image_shape=(20, 45))
    set_weights(control, weights)
    at_once = page.evaluate(
        "async ([start, image]) => {"
        " const network = await createNetwork(start);"
        " network.look(floatsOf(image));"
        " return [...network.answerAtOnce()]; }",
        [start_in_page(learned), encoded(images[0])],
    )
    np.testing.assert_allclose(at_once, predict(control, images[:1])[0], atol=1e-5)


def test_a_given_map_of_zeros_is_no_attention(page):
    gain = page.evaluate(
        "async ([start, image]) => {"
        " const network = await createNetwork(start);"
        " network.look(floatsOf(image));"
        " return [...network.attend('given', { map: new Float32Array(225) })]; }",
        [start_in_page(lesson(28)), encoded(lesson(28).images[0])],
    )
    np.testing.assert_allclose(gain, 1)


# --- What is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "create({ rows: 2, cols: 28 })",
            "Expected a canvas of 3 x 3 to 76 x 76 pixels; received 2 x 28. Cut the",
        ),
        ("create({ rows: 28, cols: 77 })", "76 x 76 pixels; received 28 x 77. Cut the"),
        ("create({ rows: 28.5 })", "pixels; received 28.5 x 28. Cut the"),
        (
            "create({ weights: weights.slice(1) })",
            "Expected 9898 finite weights, those of conv_1/kernel, conv_1/bias, .*; "
            "received 9897. Send the weights of one network",
        ),
        (
            "create({ weights: undefined })",
            "9898 finite weights.*; received undefined.",
        ),
        ("create({ weights: weights.with(7, NaN) })", "received NaN at 7. Send the"),
        ("create({ weights: weights.with(8, -1 / 0) })", "received -Infinity at 8."),
        (
            "network.look(image.slice(1))",
            "Expected an image of 28 x 28 = 784 grey levels; received 783. Create a",
        ),
        ("network.look()", "grey levels; received undefined. Create a"),
        (
            "network.attend('spot')",
            'Unknown attention "spot". Expected one of ones, .*, given.',
        ),
        (
            "network.attend('top_n', { m: 3 })",
            'Attention "top_n" has no parameter "m". Its parameters: n.',
        ),
        ("network.attend('energy', { sd: 1 })", 'no parameter "sd".*: none.'),
        (
            "network.attend('inverted', { of: 'spot' })",
            'Unknown attention "spot". Expected one of ones',
        ),
        (
            "network.attend('energy', { strength: 1.5 })",
            "Expected a strength from 0 to 1; received 1.5.",
        ),
        (
            "network.attend('given', { map: [1, 2] })",
            "expected a map of 15 x 15 places; received 2 numbers. Give one number for",
        ),
        ("network.attend('given')", "15 x 15 places; received none."),
        (
            "network.attend('shuffled')",
            "expected places, an order of all 225 places of the map; received none.",
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
        (
            "compileNetwork('AGFzbQ==')",
            "Expected a browser with WebAssembly and its SIMD instructions, and the "
            'bytes of network.wasm; received ".*". Use Chrome',
        ),
    ],
    ids=lambda text: text[:40],
)
def test_an_error_says_what_came_and_what_was_expected(page, call, message):
    """After a first look, without attention so far."""
    received = page.evaluate(
        "async ([given, image, call]) => {"
        " const network = await createNetwork(given);"
        " const weights = network.weights.slice();"
        " const create = async (change) =>"
        "  Network.create(await module, { rows: 28, cols: 28, weights, ...change });"
        " network.look((image = floatsOf(image)));"
        " return errorOf(() => eval(call)); }",
        [start_in_page(lesson(28)), encoded(lesson(28).images[0]), call],
    )
    assert re.search(message, received)


def test_a_browser_without_simd_is_told_so(page):
    """V8 offers none on a processor without SSE 4.1; here it is told to be on one."""
    without = page.context.browser.browser_type.launch(
        executable_path=executable(),
        args=[*FLAGS, "--js-flags=--no-enable-sse4-1"],
    )
    try:
        other_page = without.new_page()
        other_page.add_script_tag(content=one_script())
        received = other_page.evaluate(
            "wasm => compileNetwork(wasm).then(() => 'compiled', (e) => e.message)",
            network_module(),
        )
    finally:
        without.close()
    if received == "compiled":
        pytest.skip("this processor's SIMD cannot be turned off")
    assert "SIMD instructions" in received
    assert "Use Chrome or Edge from 91, Firefox from 89, Safari from 16.4." in received


# --- Noise, places, order ----------------------------------------------------------


def test_noise_is_standard_normal_and_its_own_for_each_seed_and_stream(page):
    draw = "([seed, stream]) => base64(addNoise(new Float32Array(40001), 2, "
    draw += "randomNumbers(seed, stream)))"
    z, again, *others = (
        decoded(page.evaluate(draw, of)) / 2
        for of in ([1, 0], [1, 0], [2, 0], [1, 1], [0, 1])
    )
    np.testing.assert_array_equal(z, again)
    assert scipy.stats.kstest(z, "norm").pvalue > 0.001
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 0.02
    for other in others:
        assert abs(np.corrcoef(z, other)[0, 1]) < 0.02


def test_a_digit_comes_to_every_place_of_the_canvas_alike(page):
    counts = page.evaluate(
        "() => { const random = randomNumbers(1), counts = [];"
        " const digits = { rows: 2, cols: 1, images: Uint8Array.of(9, 9, 5, 7) };"
        " for (let i = 0; i < 3000; i++) {"
        "  const at = showDigit(digits, 1, [4, 3], random).join();"
        "  counts[at] = (counts[at] ?? 0) + 1; }"
        " return Object.entries(counts); }"
    )
    seen = {tuple(map(int, text.split(","))): count for text, count in counts}
    expected = set()
    for row, col in np.ndindex(3, 3):
        canvas = np.zeros((4, 3), int)
        canvas[row : row + 2, col] = 5, 7
        expected.add(tuple(canvas.ravel().tolist()))
    assert set(seen) == expected
    assert scipy.stats.chisquare(list(seen.values())).pvalue > 0.001


def test_each_round_of_an_order_has_every_number_once(page):
    numbers = page.evaluate(
        "() => { const order = endlessOrder(50, randomNumbers(3));"
        " return Array.from({ length: 100 }, () => order.next().value); }"
    )
    first, second = numbers[:50], numbers[50:]
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


# --- Learning in a worker ----------------------------------------------------------


def learn(page, script, **settings):
    """What a script gets of a worker that learns from 20 digits with these settings."""
    (_, (images, labels)) = load_mnist()
    start = {
        "do": "start",
        "settings": settings,
        "images": images[:40].ravel().tolist(),
        "labels": labels[:40].tolist(),
    }
    return page.evaluate(
        """async ([start, script]) => {
          const part = (from, to) => ({
            rows: 28, cols: 28,
            images: Uint8Array.from(start.images.slice(784 * from, 784 * to)),
            labels: Uint8Array.from(start.labels.slice(from, to)),
          });
          const worker = makeLearningWorker(window.script);
          const { heard, next } = listenTo(worker);
          const send = (name, more) => worker.postMessage({ do: name, ...more });
          const at = (updates) => next((each) => each.updates === updates);
          const begin = (settings = start.settings) => send("start", {
            wasm: window.wasm, digits: part(0, 20), test_digits: part(20, 40), settings,
          });
          try {
            return await eval(`(async () => { ${script} })()`);
          } finally {
            worker.terminate();
          }
        }""",
        [start, script],
    )


def test_networks_of_one_kind_learn_the_same_and_again_the_same(page):
    first, again, other = learn(
        page,
        "const seen = (updates) => heard.filter((each) => each.updates === updates);"
        "const until = (count, updates) => next(() => seen(updates).length === count);"
        "begin(); await until(1, 100); begin(); send('pause'); await until(2, 0);"
        "send('go on'); await until(2, 100); begin({ ...start.settings, seed: 1 });"
        "await until(3, 100); return seen(100).map((each) => ({ ...each,"
        " weights: each.weights.map(base64) }));",
        kinds=["energy", "energy"],
        noise_sd=20,
    )
    for report in (first, again, other):
        assert report["losses"][0] == report["losses"][1]
        assert report["accuracies"][0] == report["accuracies"][1]
        assert report["weights"][0] == report["weights"][1]
        assert report["updates_per_second"] > 0
    assert first["losses"] == again["losses"] != other["losses"]
    assert first["weights"] == again["weights"] != other["weights"]


def test_they_learn(page):
    reports = learn(
        page,
        "begin(); await at(400); return heard;",
        optimizer="adam",
        learning_rate=0.003,
        noise_sd=5,
        noise_varies=True,
    )
    assert [each["updates"] for each in reports] == [0, 100, 200, 300, 400]
    assert reports[0]["losses"] is reports[0]["updates_per_second"] is None
    for first, last in zip(reports[1]["losses"], reports[-1]["losses"], strict=True):
        assert last < first - 0.2


def test_a_pause_and_the_noise_at_test(page):
    reports = learn(
        page,
        "begin(); send('pause'); send('set test noise', { sd: 1e4 });"
        "await next(({ test_noise_sd }) => test_noise_sd === 1e4);"
        "send('go on'); send('pause'); send('set test noise', { sd: 0 });"
        "await next((each) => each === heard[2]);"
        "await new Promise((resolve) => setTimeout(resolve, 200)); return heard;",
        canvas=[30, 40],
    )
    assert [each["test_noise_sd"] for each in reports] == [0, 1e4, 0]
    assert max(each["updates"] for each in reports) < 100


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("send('go on');", 'Expected "start".*; received "go on" before any start.'),
        ("begin({ speed: 1 });", 'no setting "speed". Its settings: kinds, parameters'),
        (
            "begin({ batch: 0 });",
            "batch to be a whole number of at least 1; received 0",
        ),
        (
            "begin({ noise_sd: -1 });",
            "noise_sd to be a number of at least 0; received -1",
        ),
        (
            "begin({ kinds: ['ones'] });",
            "parameters for each of 1 kinds; received 2. Give",
        ),
        (
            "begin({ canvas: [20, 28] });",
            "a canvas of at least 28 x 28 pixels, .*; received 20 x 28. Make the",
        ),
        ("begin({ canvas: [28, 80] });", "76 x 76 pixels; received 28 x 80. Cut the"),
        (
            "begin({ learning_rate: 1e38 });",
            'network "ones" diverged within 100 updates: .* Lower learning_rate',
        ),
    ],
)
def test_learning_says_what_is_wrong(page, script, message):
    error = learn(page, f"{script} return (await next(({{ error }}) => error)).error;")
    assert re.search(message, error)
