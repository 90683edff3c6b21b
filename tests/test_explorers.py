"""The explorers without a browser: what is computed, what is sent, what is said."""

import asyncio
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from utils import explorers
from utils.attention import DIGITS, KINDS
from utils.data import load_mnist
from utils.model import attention_maps, build_model, predict
from utils.noise import NOISES
from utils.records import Store
from utils.sweeps import EDGES, histograms, noise_series, study_arms, sweep, weights_of

_, (IMAGES, LABELS) = load_mnist()
OWN_MAPS = [kind for kind in KINDS if kind != "given"]


@pytest.fixture(scope="module")
def network():
    """Weights as large as trained ones, so that answers are not all alike."""
    rng = np.random.default_rng(0)
    model = build_model(seed=0)
    for layer, scale in (("conv_1", 0.01), ("conv_2", 0.1), ("dense_2", 0.3)):
        weights = model.get_layer(layer).get_weights()
        model.get_layer(layer).set_weights(
            [rng.normal(0, scale, w.shape).astype("float32") for w in weights]
        )
    return weights_of(model)


def model_with(weights, *arguments, **settings):
    model = build_model(*arguments, **settings)
    for variable in model.trainable_variables:
        layer = variable.path.split("/")[-2]
        variable.assign(weights[f"{layer}/{variable.name}"])
    return model


def unpacked(explorer, key):
    dtype = "uint8" if key == "images" else "float32"
    picture = explorer.view.picture
    return np.frombuffer(picture[key], dtype).reshape(len(picture["each"]), -1)


def shown(explorer, key):
    """Of what was sent, the part that a browser draws as the controls stand."""
    picture = explorer.view.picture
    hand, value = picture["hand"], explorer.draw
    if hand != "fresh-draw":
        control = explorer.view.controls[hand]
        value = control.index if hand.endswith("select") else control.value
    found = np.flatnonzero(np.isclose(picture["values"], value))
    place = found[0] if len(found) else 0
    return picture["each"][place] if key == "each" else unpacked(explorer, key)[place]


def take(explorer, hand):
    """What the view says when a hand is on a control."""
    explorer.view._handle_custom_msg({"hand": hand}, [])


# ---- what is computed


@pytest.mark.parametrize("kind", OWN_MAPS)
def test_a_sweep_is_what_the_model_gives(kind, network):
    strength = 0.6
    settings = {} if kind == "as_coded" else {"strength": strength}
    settings |= {"n": 3} if kind == "top_n" else {}
    model = model_with(network, kind, **settings)
    control = model_with(network, "ones")
    images = noise_series(IMAGES[0], "gaussian", [0, 20, 128])

    found = sweep(images, network, kind, strength, n=3)

    np.testing.assert_allclose(
        found["gains"], attention_maps(model, images), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(found["probabilities"], predict(model, images), 1e-3)
    np.testing.assert_allclose(found["without"], predict(control, images), 1e-3)


def test_answers_in_a_sweep_differ_with_and_without_attention(network):
    found = sweep(IMAGES[:1], network, "as_coded")
    assert np.abs(found["probabilities"] - found["without"]).max() > 0.01


@pytest.mark.parametrize("kind", [kind for kind in OWN_MAPS if kind != "as_coded"])
def test_at_strength_0_the_answers_are_the_same(kind, network):
    found = sweep(IMAGES[:2], network, kind, 0.0)
    np.testing.assert_allclose(found["gains"], 1)
    np.testing.assert_allclose(found["probabilities"], found["without"], 1e-5)


def test_a_sweep_of_one_level_is_that_level_of_the_whole(network):
    levels = np.linspace(0, 128, 101)
    whole = sweep(noise_series(IMAGES[3], "gaussian", levels, 5), network, "energy")
    one = sweep(
        noise_series(IMAGES[3], "gaussian", levels[40:41], 5), network, "energy"
    )
    for key, values in one.items():
        np.testing.assert_allclose(values[0], whole[key][40], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no_such",), "Unknown attention 'no_such'"),
        (("given",), "given"),
        (("energy", 1.5), "strength from 0 to 1"),
        (("top_n", 1.0, 11), "n to be a whole 1 to 10"),
    ],
)
def test_a_sweep_refuses_what_does_not_exist(arguments, message, network):
    with pytest.raises(ValueError, match=message):
        sweep(IMAGES[:1], network, *arguments)


def test_images_of_another_size(network):
    found = sweep(np.zeros((2, 40, 20)), network, "evidence")
    assert found["gains"].shape == (2, 21, 11)
    np.testing.assert_allclose(found["probabilities"].sum(-1), 1, rtol=1e-5)


def test_a_noise_series_repeats_and_starts_at_the_image():
    first, again, other = (
        noise_series(IMAGES[0], "gaussian", [0, 64], seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first[0], IMAGES[0])
    np.testing.assert_array_equal(first, again)
    assert (first[1] != other[1]).any()


def test_histograms_by_hand():
    image = np.array([[0, 0, 7], [255, -1000, 1000]])
    (shares,) = histograms(image[None])
    assert len(shares) == len(EDGES) - 1
    at = {grey: np.searchsorted(EDGES, grey, "right") - 1 for grey in (0, 255)}
    assert shares[at[0]] == pytest.approx(3 / 6)
    assert shares[at[255]] == shares[0] == shares[-1] == pytest.approx(1 / 6)
    assert shares.sum() == pytest.approx(1)


def test_weights_of_a_model_and_of_weights_are_the_same():
    model = build_model(seed=3)
    weights = weights_of(model)
    assert sorted(weights) == sorted(
        f"{layer}/{part}"
        for layer in ("conv_1", "conv_2", "dense_2")
        for part in ("kernel", "bias")
    )
    assert weights_of(weights) == weights
    np.testing.assert_array_equal(
        weights["conv_2/kernel"], model.get_layer("conv_2").get_weights()[0]
    )


# ---- what is sent


def test_the_noise_explorer_sends_all_levels():
    explorer = explorers.noise(IMAGES[:9], LABELS[:9])
    picture = explorer.view.picture
    assert picture["values"] == pytest.approx(np.linspace(0, 128, 101))
    levels = [each["level"] for each in picture["each"]]
    assert levels == pytest.approx(picture["values"])
    np.testing.assert_array_equal(unpacked(explorer, "images")[0], IMAGES[0].ravel())
    assert "probabilities" not in picture
    explorer.digit.value = 4
    explorer.level.value = 0
    np.testing.assert_array_equal(unpacked(explorer, "images")[0], IMAGES[4].ravel())
    explorer.noise.value = "contrast"
    take(explorer, "noise-slider")
    assert explorer.view.picture["values"][-1] == 1
    assert len(np.unique(unpacked(explorer, "images")[-1])) == 1


def test_the_level_keeps_its_share_when_the_kind_of_noise_changes():
    explorer = explorers.noise(IMAGES[:9], LABELS[:9])
    explorer.level.value = 64
    explorer.noise.value = "salt_and_pepper"
    assert explorer.level.value == pytest.approx(0.5)
    assert "share of pixels" in explorer.level.description
    explorer.noise.value = "gaussian"
    assert explorer.level.value == pytest.approx(64)


def test_fresh_noise_is_another_draw():
    explorer = explorers.noise(IMAGES[:9], LABELS[:9])
    explorer.level.value = 64
    before = shown(explorer, "images")
    explorer.fresh.click()
    assert (shown(explorer, "images") != before).any()
    explorer.level.value = 0
    np.testing.assert_array_equal(shown(explorer, "images"), IMAGES[0].ravel())


def test_the_noise_explorer_answers_without_attention(network):
    explorer = explorers.noise(IMAGES[:9], LABELS[:9], network)
    answer = predict(model_with(network), IMAGES[:1])
    np.testing.assert_allclose(unpacked(explorer, "without")[:1], answer, 1e-3)


@pytest.fixture(scope="module")
def attention(network):
    return explorers.attention(IMAGES[:9], LABELS[:9], network)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("kind", OWN_MAPS)
def test_every_kind_at_the_ends_of_the_sliders(kind, noise, attention):
    attention.attention.value, attention.noise.value = kind, noise
    sliders = (attention.level, attention.digit, attention.strength, attention.n)
    for slider in sliders:
        for end in (slider.min, slider.max):
            slider.value = end
            for key in ("gains", "probabilities", "without"):
                assert np.isfinite(unpacked(attention, key)).all()
            total = unpacked(attention, "probabilities").sum(-1)
            np.testing.assert_allclose(total, 1, rtol=1e-4)
    assert attention.view.problem == {}


def test_controls_without_effect_are_disabled(attention):
    for kind in OWN_MAPS:
        attention.attention.value = kind
        assert attention.strength.disabled == (kind == "as_coded")
        assert attention.n.disabled == (kind != "top_n")


def test_n_of_ten_is_flat(attention):
    attention.attention.value, attention.strength.value = "top_n", 1.0
    attention.n.value = DIGITS
    np.testing.assert_allclose(shown(attention, "gains"), 1, atol=1e-4)


def test_a_drawing_is_looked_at_until_a_digit_is_chosen(attention):
    attention.noise.value, attention.digit.value = "gaussian", 2
    drawing = np.full((28, 28), 90, "uint8")
    attention.pad.drawn = memoryview(drawing.tobytes())  # as a browser sends it
    attention.level.value = 0
    np.testing.assert_array_equal(shown(attention, "images"), drawing.ravel())
    assert shown(attention, "each")["label"] is None
    attention.digit.value = 3
    assert attention.pad.drawn == b""
    np.testing.assert_array_equal(shown(attention, "images"), IMAGES[3].ravel())


@pytest.mark.parametrize(
    ("hand", "count"),
    [
        ("digit-slider", 9),
        ("noise-slider", 101),
        ("attention-select", len(OWN_MAPS)),
        ("strength-slider", 101),
        ("top-n-slider", DIGITS),
        ("noise-select", len(NOISES)),
    ],
)
def test_the_control_in_hand_is_swept(hand, count, attention, network):
    """Each picture of the sweep is the one that comes when that value is chosen."""
    attention.noise.value, attention.attention.value = "gaussian", "top_n"
    attention.level.value, attention.digit.value, attention.n.value = 64.0, 2, 3
    take(attention, hand)
    picture = attention.view.picture
    assert (picture["hand"], len(picture["values"])) == (hand, count)
    assert len(picture["each"]) == count
    sweep_sent, place = unpacked(attention, "probabilities"), count - 2
    control = attention.view.controls[hand]
    if hand.endswith("select"):
        control.index = place
    else:
        control.value = picture["values"][place]
    if hand != "noise-select":  # whose other range of levels is always answered
        assert attention.view.picture is picture  # the browser holds it: nothing sent
    np.testing.assert_allclose(shown(attention, "probabilities"), sweep_sent[place])
    alone = attention._picture([attention._setting()])
    np.testing.assert_allclose(
        alone["probabilities"][0], sweep_sent[place], rtol=1e-3, atol=1e-5
    )
    np.testing.assert_array_equal(
        alone["images"].ravel(), unpacked(attention, "images")[place]
    )


def test_draws_of_noise_are_swept_and_go_on(attention):
    attention.noise.value, attention.level.value = "gaussian", 64.0
    take(attention, "fresh-draw")
    first = attention.draw
    for clicks in range(1, 30):
        before = attention.view.picture
        held = first + clicks in before["values"]
        attention.fresh.click()
        alone = attention._picture([attention._setting()])["images"].ravel()
        place = list(attention.view.picture["values"]).index(first + clicks)
        sent = unpacked(attention, "images")[place]
        np.testing.assert_array_equal(sent, alone)
        assert held


def test_strokes_of_a_drawing_differ_for_the_browser(attention):
    """Else it would take the second for the first and not draw it."""
    seen = []
    for grey in (90, 200):
        attention.pad.drawn = bytes([grey]) * 784
        seen.append(shown(attention, "each"))
    attention.pad.drawn = b""
    assert seen[0] != seen[1]


def test_a_sweep_of_many_digits_moves_along(network):
    explorer = explorers.attention(IMAGES[:500], LABELS[:500], network)
    take(explorer, "digit-slider")
    assert list(explorer.view.picture["values"]) == [*range(51)]
    explorer.digit.value = 30
    assert list(explorer.view.picture["values"]) == [*range(51)]
    explorer.digit.value = 45
    assert list(explorer.view.picture["values"]) == [*range(95 + 1)]
    explorer.digit.value = 499
    assert list(explorer.view.picture["values"]) == [*range(449, 500)]
    assert shown(explorer, "each")["subject"].startswith("digit 499 ")


def test_a_drawing_is_not_swept_away(attention):
    take(attention, "digit-slider")
    attention.pad.drawn = bytes([90]) * 784
    assert shown(attention, "each")["subject"] == "your drawing"
    take(attention, "digit-slider")
    assert shown(attention, "each")["subject"] == "your drawing"
    attention.pad.drawn = b""


def test_a_hand_on_something_else_changes_nothing(attention):
    before = attention.view.picture
    for said in ({}, {"hand": "pad"}, {"hand": "no-such"}, {"hand": None}):
        attention.view._handle_custom_msg(said, [])
    assert attention.view.picture is before
    assert attention.view.problem == {}


@pytest.mark.parametrize("grey", [0, 255])
def test_empty_and_full_drawings_are_safe(grey, attention):
    attention.pad.drawn = bytes([grey]) * 784
    for kind in OWN_MAPS:
        attention.attention.value = kind
        assert np.isfinite(unpacked(attention, "probabilities")).all()
    attention.pad.drawn = b""
    assert "digit" in shown(attention, "each")["subject"]
    assert attention.view.problem == {}


def test_a_digit_past_the_end_is_the_last(attention):
    attention.digit.value = 10_000
    assert shown(attention, "each")["subject"].startswith("digit 8 ")


# ---- threads: JupyterLab has what a reader does taken in by another than a cell's


def test_steps_begun_in_one_thread_give_way_to_those_of_another():
    explorer = explorers.noise(IMAGES[:2], LABELS[:2])
    taken, begun = [], threading.Event()

    def steps(name):
        while True:
            begun.set()
            time.sleep(0.05)
            taken.append(name)
            yield

    async def begin(name, seconds):
        explorer._when_idle(steps(name), 0)
        await asyncio.sleep(seconds)

    cell = threading.Thread(target=asyncio.run, args=(begin("cell's", 0.6),))
    cell.start()
    assert begun.wait(10)  # in the middle of a step
    asyncio.run(begin("reader's", 0.3))
    cell.join()
    assert taken[:2] == ["cell's", "reader's"]
    assert "cell's" not in taken[1:]


def test_python_leaves_when_the_step_is_taken_and_takes_no_other():
    code = """
import atexit, threading, time
atexit.register(print, "torn down")  # before, and so after, what explorers need
import numpy as np
from utils import explorers

explorer = explorers.noise(np.zeros((2, 28, 28)), np.zeros(2))
begun = threading.Event()

def step():
    begun.set()
    time.sleep(0.5)
    print("a step")

def steps():
    explorer.guarded(step)()
    explorer.guarded(step)()

threading.Thread(target=steps, daemon=True).start()
begun.wait()
"""
    left = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8"
    )
    assert left.stdout.split("\n") == ["a step", "torn down", ""], left.stderr


# ---- what is said


def test_an_error_in_a_callback_is_put_into_words(network):
    explorer = explorers.attention(IMAGES[:9], LABELS[:9], network)
    explorer.pad.drawn = b"not 784 bytes"
    assert "ValueError: cannot reshape" in explorer.view.problem["words"]
    first = explorer.view.problem
    explorer.pad.drawn = b"not 784 bytes either"
    assert explorer.view.problem != first  # or the browser would not hear of it


def test_every_control_has_a_label_and_a_class_of_its_own(attention):
    records = [{"spec": {"attention": "ones", "noise_sd": 0.0, "seed": 0}, **CURVES}]
    for explorer in (attention, explorers.study(records)):
        for name, control in explorer.view.controls.items():
            if name != "pad":
                assert control.description
                assert name in control._dom_classes
    assert {"noise-slider", "digit-slider", "attention-select"} < set(
        attention.view.controls
    )
    assert {"strength-slider", "top-n-slider"} < set(attention.view.controls)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (IMAGES[0], LABELS[:1]),
        (IMAGES[:3], LABELS[:2]),
        (IMAGES[:0], LABELS[:0]),
    ],
)
def test_images_that_are_none(images, labels):
    with pytest.raises(ValueError, match="Expected images"):
        explorers.noise(images, labels)


def test_without_trained_networks_the_status_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(explorers, "WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"No trained network.*'ones'.*none"):
        explorers.trained()
    explorer = explorers.attention(IMAGES[:9], LABELS[:9])
    assert "untrained" in explorer.view.setup["note"]


def test_trained_networks_are_found_by_their_attention(monkeypatch, tmp_path, network):
    monkeypatch.setattr(explorers, "WEIGHTS", tmp_path)
    for kind in ("energy", "ones"):
        record = {"spec": {"attention": kind}, "epochs": [], "versions": {}}
        weights = {key: values + len(kind) for key, values in network.items()}
        Store(tmp_path).save(f"{kind}-run", {**record, "seconds": 1.0}, weights)
    found = explorers.trained("energy")
    np.testing.assert_array_equal(found["dense_2/bias"], network["dense_2/bias"] + 6)
    with pytest.raises(FileNotFoundError, match=r"'top_n'.*energy, ones"):
        explorers.trained("top_n")


# ---- a study

CURVES = {"epochs": [{"epoch": 1, "accuracy_clean": 0.9, "accuracy_matched": 0.8}]}


def record_of(seed, clean, **spec):
    epochs = [
        {"epoch": i + 1, "accuracy_clean": x, "accuracy_matched": x / 2}
        for i, x in enumerate(clean)
    ]
    settings = {"attention": "ones", "noise_sd": 2.5, "images": 100, **spec}
    return {"spec": {**settings, "seed": seed}, "epochs": epochs}


def test_arms_are_runs_that_differ_in_their_seed():
    records = [
        record_of(1, [0.7, 0.8]),
        record_of(0, [0.5, 0.6]),
        record_of(0, [0.9], attention="as_coded", noise_sd=0.0),
        record_of(0, [0.4], attention="top_n", attention_parameters={"n": 3}),
    ]
    arms = {arm["label"]: arm["runs"] for arm in study_arms(records)}
    control = arms[f"{KINDS['ones'].label}, noise SD 2.5"]
    assert [run["seed"] for run in control] == [0, 1]
    assert control[0]["accuracy_clean"] == [0.5, 0.6]
    published = arms[f"{KINDS['as_coded'].label}, noise SD 0"]
    assert published[0]["accuracy_matched"] == [0.45]
    (label,) = (label for label in arms if label.startswith(KINDS["top_n"].label))
    assert "'n': 3" in label
    assert "images" not in label  # the same for all


def test_a_study_explorer_holds_its_runs():
    explorer = explorers.study([record_of(s, [0.5, 0.6, 0.7]) for s in range(4)])
    assert explorer.view.controls["epoch-slider"].max == 3
    assert len(explorer.view.controls["run-select"].options) == 5


def test_a_study_without_records_says_how_to_get_some():
    with pytest.raises(ValueError, match=r"received none\. Run a study first"):
        explorers.study([])
