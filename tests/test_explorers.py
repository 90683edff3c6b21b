"""What Python sends to an explorer's page, and what it refuses."""

import base64
import json
import re
import zlib

import keras
import numpy as np
import pytest

from utils import explorers
from utils.attention import KINDS
from utils.data import load_mnist
from utils.displays import Display
from utils.explorers import networks, packing
from utils.explorers.learning import LARGE, MOST_DIGITS, ONE_IN
from utils.maps import DIGITS
from utils.model import build_model
from utils.noise import NOISES
from utils.runs.store import Store
from utils.spec import RunSpec
from utils.studies import uncertain_place

_, (IMAGES, LABELS) = load_mnist()
CURVES = {"epochs": [{"epoch": 1, "accuracy_clean": 0.9, "accuracy_matched": 0.8}]}
CONTRACT = {
    *("noise-slider", "digit-slider", "attention-select", "strength-slider"),
    *("top-n-slider", "network-select"),
}


@pytest.fixture(scope="module")
def attention():
    return explorers.attention(IMAGES, LABELS)


def weights_in(data, name):
    return np.frombuffer(base64.b64decode(data["networks"][name]["weights"]), "float32")


def images_in(data, part="digits"):
    deflated = base64.b64decode(data[part]["images"])
    shape = (-1, data[part]["rows"], data[part]["cols"])
    return np.frombuffer(zlib.decompress(deflated), "uint8").reshape(shape)


# ---- what is sent


def test_the_first_digits_travel_whole(attention):
    data = attention.description["data"]
    np.testing.assert_array_equal(images_in(data), IMAGES[: packing.MOST_DIGITS])
    assert data["digits"]["labels"] == LABELS[: packing.MOST_DIGITS].tolist()
    few = explorers.noise(IMAGES[:3] / 1.0, LABELS[:3])
    np.testing.assert_array_equal(images_in(few.description["data"]), IMAGES[:3])


def test_networks_that_ship_travel_whole(attention):
    data = attention.description["data"]
    assert {"ones", "energy"} <= set(data["networks"])
    for kind in data["networks"]:
        weights = explorers.trained(kind)
        flat = np.concatenate([weights[name].ravel() for name in packing.SHAPES])
        np.testing.assert_array_equal(weights_in(data, kind), flat)
    assert data["control"] in data["networks"]


def test_a_model_of_ones_own_comes_first_with_its_attention():
    model = build_model("normalised", seed=3, sigma=2.0, strength=0.5, input_scale=0.1)
    explorer = explorers.attention(IMAGES[:9], LABELS[:9], model)
    values = {name: each.value for name, each in explorer.controls.items()}
    assert values["network-select"] == "yours"
    assert values["attention-select"] == "normalised"
    assert (values["sigma-slider"], values["strength-slider"]) == (2.0, 0.5)
    weights = weights_in(explorer.description["data"], "yours")
    kernel, *rest = (each.numpy().ravel() for each in model.trainable_variables)
    np.testing.assert_array_equal(weights[len(kernel) :], np.concatenate(rest))
    np.testing.assert_allclose(weights[: len(kernel)], 0.1 * kernel, rtol=1e-6)


def test_parameters_of_a_model_travel_along():
    model = build_model("shuffled", seed=3, of="evidence", order=1)
    data = explorers.attention(IMAGES[:9], LABELS[:9], model).description["data"]
    other = explorers.attention(IMAGES[:9], LABELS[:9]).description["data"]
    assert data["parameters"]["shuffled"]["of"] == "evidence"
    assert data["parameters"] != other["parameters"]
    inside = build_model("shuffled", seed=3, inside=True)
    data = explorers.attention(IMAGES[:9], LABELS[:9], inside).description["data"]
    places = data["parameters"]["shuffled"]["places"]
    assert places[:15] == list(range(15)) != places[16:29]  # the ring stays
    with pytest.raises(ValueError, match="each=True"):
        explorers.attention(IMAGES[:9], LABELS[:9], build_model("shuffled", each=True))
    uniform = build_model("uniform", gain=2.0)
    data = explorers.attention(IMAGES[:9], LABELS[:9], uniform).description["data"]
    assert data["parameters"]["uniform"] == {"gain": 2.0}


def test_weights_are_named_as_the_model_names_them():
    variables = build_model().trainable_variables
    names = ["/".join(each.path.split("/")[-2:]) for each in variables]
    shapes = [tuple(each.shape) for each in variables]
    assert list(zip(names, shapes, strict=True)) == list(packing.SHAPES.items())


def test_shuffled_places_are_those_of_the_model(attention):
    places = attention.description["data"]["parameters"]["shuffled"]["places"]
    features = np.random.default_rng(0).random((1, 15, 15, 32), "float32")
    shuffled = KINDS["shuffled"].attend(features, np.zeros((1, 15, 15, DIGITS)))
    energy = np.ravel(features.mean(-1))[places]
    np.testing.assert_allclose(np.ravel(shuffled), energy, rtol=1e-5)


# ---- controls


def test_every_control_has_a_label_and_a_class_of_its_own(attention):
    assert set(attention.controls) >= CONTRACT
    for explorer in (attention, explorers.study([record_of(0, [0.5])])):
        for name, control in explorer.controls.items():
            assert control.description
            assert name in control._dom_classes


def test_kinds_of_noise_and_of_attention_are_the_registries(attention):
    options = {x["name"]: x.get("options") for x in attention.description["controls"]}
    assert dict(map(reversed, options["noise-select"])) == {
        name: kind.label for name, kind in NOISES.items()
    }
    assert {value for _, value in options["attention-select"]} == set(KINDS) - {"given"}
    in_page = (explorers.explorer.HERE / "noise.js").read_text("utf-8")
    assert re.findall(r"^  (\w+): \{", in_page, re.MULTILINE) == list(NOISES)


def test_the_level_keeps_its_share_when_the_kind_of_noise_changes():
    controls = explorers.noise(IMAGES[:9], LABELS[:9]).controls
    level = controls["noise-slider"]
    level.value = 64
    controls["noise-select"].value = "salt_and_pepper"
    assert (level.value, level.max) == (0.5, 1)
    assert "share of pixels" in level.description
    level.value = 0.25
    controls["noise-select"].value = "gaussian"
    assert (level.value, level.max) == (32, 128)


def test_the_page_proposes_what_to_begin_with_and_python_decides():
    explorer = explorers.attention(IMAGES[:9], LABELS[:9])
    explorer.view.begun = {"digit-slider": 5}
    assert explorer.controls["digit-slider"].value == 5
    explorer.view.begun = {"digit-slider": 7}
    assert explorer.controls["digit-slider"].value == 5


def test_a_range_is_sent_before_a_value_in_it():
    slider = explorers.noise(IMAGES[:9], LABELS[:9]).controls["noise-slider"]
    for keys in (["value", "max", "step"], ["max", "value"]):
        assert list(slider.get_state(keys))[-1] == "value"


def test_controls_without_effect_are_disabled(attention):
    controls = attention.controls
    for kind in KINDS.keys() - {"given"}:
        controls["attention-select"].value = kind
        assert controls["strength-slider"].disabled == (kind == "as_coded")
        assert controls["top-n-slider"].disabled == (kind != "top_n")
        assert controls["sigma-slider"].disabled == (kind != "normalised")


# ---- the page


def test_an_explorer_is_shown_with_a_kernel_and_without():
    explorer = explorers.noise(IMAGES[:9], LABELS[:9])
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    html = bundle["text/html"]
    assert html.startswith('<div class="explorer')
    assert html.count("<script") == html.count("</script>") == 1
    asking = r"https?:|\bsrc=|\burl\(|@import|^import |\bfetch\("
    assert re.findall(asking, html, re.MULTILINE) == []
    assert html == explorer.html()
    assert len(html) < 300_000


def test_the_page_begins_where_the_controls_stand():
    explorer = explorers.noise(IMAGES[:9], LABELS[:9])
    explorer.controls["noise-slider"].value = 40
    explorer.controls["digit-slider"].value = 3
    (text,) = re.findall(r"mount\(root, (.*)\);", explorer.html())
    sent = json.loads(text)
    values = {each["name"]: each["value"] for each in sent["controls"]}
    assert (values["noise-slider"], values["digit-slider"]) == (40, 3)
    assert not sent["begins"]
    assert explorer.description["controls"][0]["value"] == 0  # as it was described


# ---- what is refused


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (IMAGES[0], LABELS[:1], r"Received shapes \(28, 28\)"),
        (IMAGES[:3], LABELS[:2], r"\(3, 28, 28\) and \(2,\)"),
        (IMAGES[:0], LABELS[:0], "one or more"),
        (IMAGES[:2, :2], LABELS[:2], "3 x 3 to 76 x 76.*Received 2 x 28"),
        (np.zeros((1, 100, 100)), [0], "Received 100 x 100"),
        (np.full((1, 9, 9), np.nan), [0], "grey levels from 0.*nan"),
        (np.full((1, 9, 9), -1.0), [0], "grey levels from 0"),
        (np.full((1, 9, 9), "a"), [0], "grey levels from 0"),
        (np.zeros((1, 9, 9)), [10], "labels from 0 to 9.*10"),
        (np.zeros((1, 9, 9)), [np.nan], "labels from 0 to 9.*nan"),
    ],
)
def test_images_that_cannot_be_shown(images, labels, words):
    for explorer in (explorers.noise, explorers.attention):
        with pytest.raises(ValueError, match=words):
            explorer(images, labels)


def other_network():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda w: {}, "Received none"),
        (
            lambda w: {**w, "dense_2/bias": np.zeros(9)},
            r"Received.*dense_2/bias \(9,\)",
        ),
        (lambda w: {**w, "dense_3/bias": np.zeros(9)}, "Received.*dense_3/bias"),
        (lambda w: {**w, "conv_2/bias": np.full(32, np.nan)}, "NaN.*conv_2/bias"),
        (lambda w: other_network(), "Expected a network of utils.model.build_model"),
        *(
            (lambda w, wiring=wiring: build_model(**wiring), f"layers {layer} beside")
            for wiring, layer in (
                ({"acts_on": "conv_1"}, "attend_conv_1"),
                ({"acts_on": "read_out"}, "attend_read_out"),
                ({"looks_at": "conv_1"}, "gate"),
                ({"read_out": "max"}, "read_out_max"),
                ({"yoked": True}, "others"),
            )
        ),
        (lambda w: "weights.npz", "Expected a network of utils.model.build_model"),
    ],
)
def test_networks_that_cannot_be_shown(model, words):
    with pytest.raises(ValueError, match=words):
        explorers.noise(IMAGES[:2], LABELS[:2], model(explorers.trained()))


def test_trained_networks_are_found_by_their_attention(monkeypatch, tmp_path):
    monkeypatch.setattr(networks, "WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"No trained network.*'ones'.*none"):
        explorers.trained()
    weights = {name: np.zeros(shape) for name, shape in packing.SHAPES.items()}
    displays = {28: None, 60: {"rows": 60, "cols": 60}}
    for kind, size in (("energy", 28), ("ones", 28), ("energy", 60)):
        spec = {"attention": kind, "display": displays[size]}
        record = {"spec": spec, "epochs": [], "versions": {}, "seconds": 1.0}
        shifted = {name: array + len(kind) + size for name, array in weights.items()}
        Store(tmp_path).save(f"{kind}-run-{size}", record, shifted)
    assert (explorers.trained("energy")["dense_2/bias"] == 34).all()
    assert (explorers.trained("energy", Display(60, 60))["dense_2/bias"] == 66).all()
    with pytest.raises(FileNotFoundError, match=r"'top_n'.*energy, ones"):
        explorers.trained("top_n")
    with pytest.raises(FileNotFoundError, match=r"'ones' for Display.*holds energy\."):
        explorers.trained("ones", Display(60, 60))


# ---- learning


def test_the_first_digits_are_learnt_from_or_score():
    data = explorers.learning(IMAGES, LABELS).description["data"]
    images = [images_in(data, part) for part in ("digits", "test_digits")]
    labels = [data[part]["labels"] for part in ("digits", "test_digits")]
    assert len(images[1]) == len(labels[1]) == MOST_DIGITS // ONE_IN
    np.testing.assert_array_equal(np.concatenate(images), IMAGES[:MOST_DIGITS])
    assert labels[0] + labels[1] == LABELS[:MOST_DIGITS].tolist()


def test_it_begins_with_what_a_run_says():
    run = uncertain_place.arm(uncertain_place.ENERGY).run
    explorer = explorers.learning(IMAGES[:40], LABELS[:40], run)
    values = {name: each.value for name, each in explorer.controls.items()}
    assert values["attention-select"] == "energy"
    assert values["control-select"] == "ones"
    assert values["canvas-select"] == "60 x 60"
    assert float(values["rate-select"]) == run.learning_rate
    assert (values["training-noise-slider"], values["noise-slider"]) == (120, 0)
    assert explorer.description["data"]["settings"] == {
        "noise_varies": True,
        "optimizer": "adam",
        "learning_rate_decay": run.learning_rate_decay,
        "batch": run.batch_size,
        "seed": run.seed,
    }
    own = RunSpec(attention="top_n", attention_parameters={"n": 3}, strength=0.5)
    data = explorers.learning(IMAGES[:40], LABELS[:40], own).description["data"]
    for canvas in data["canvases"].values():
        assert canvas["parameters"]["top_n"] == {"n": 3, "strength": 0.5}


def test_a_canvas_holds_the_digits():
    for size, canvases in ((28, {"28 x 28", "60 x 60"}), (70, {"70 x 70"})):
        images = np.zeros((ONE_IN, size, size))
        data = explorers.learning(images, np.zeros(ONE_IN, int)).description["data"]
        assert set(data["canvases"]) == canvases
    assert LARGE == (60, 60)


@pytest.mark.parametrize(
    ("count", "run", "words"),
    [
        (ONE_IN - 1, RunSpec(), "Expected 20 images or more.*Received 19"),
        (0, RunSpec(), "one or more"),
        (40, RunSpec(input_scale=0.5), "'input_scale': 0.5"),
        (40, RunSpec(stops_gradient=True), "'stops_gradient': True"),
        (40, RunSpec("given", display=Display()), "attention='given'"),
    ],
)
def test_what_a_page_cannot_learn_from(count, run, words):
    with pytest.raises(ValueError, match=words):
        explorers.learning(IMAGES[:count], LABELS[:count], run)


# ---- a study


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
    arms = {arm["label"]: arm["runs"] for arm in explorers.study_arms(records)}
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
    assert explorer.controls["epoch-slider"].max == 3
    assert len(explorer.controls["run-select"].options) == 5


def test_a_study_without_records_says_how_to_get_some():
    with pytest.raises(ValueError, match=r"received none\. Run a study first"):
        explorers.study([])
