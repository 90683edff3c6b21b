"""Networks seen from inside: any layer, either look, any number of images."""

import gc
import weakref

import keras
import numpy as np
import pytest
import reference
from looks import inputs_of, layers_of, model_of

from utils import model as module
from utils.attention import KINDS
from utils.data import load_mnist
from utils.model import attention_maps, build_model, predict, second_look
from utils.wiring import build_wired

every_kind = pytest.mark.parametrize("kind", KINDS)


# --- Looking inside --------------------------------------------------------------


@every_kind
def test_attention_maps_are_the_gains(kind):
    model = model_of(kind)
    inputs = inputs_of(model, reference.digits(2))
    maps = attention_maps(model, inputs)
    assert isinstance(maps, np.ndarray)
    assert maps.shape == (2, 15, 15)
    inside = layers_of(model, inputs, ("attention", "pad_1", "attend"))
    np.testing.assert_allclose(maps, inside["attention"], rtol=1e-4, atol=1e-6)
    expected = inside["pad_1"] * np.pad(maps, ((0, 0), (1, 1), (1, 1)))[..., None]
    np.testing.assert_allclose(inside["attend"], expected, rtol=1e-4, atol=1e-4)


def test_predict_sees_new_weights_and_makes_nothing_twice():
    model, other = build_model("energy", seed=0), build_model("energy", seed=1)
    images = load_mnist()[1][0][:3]
    for output in ("softmax", "attention"):
        before = predict(model, images, output)
        part = module._part(model, (output,), module._up_to)
        assert part is module._part(model, (output,), module._up_to)
        model.set_weights(other.get_weights())
        np.testing.assert_array_equal(
            predict(model, images, output), predict(other, images, output)
        )
        model.set_weights(build_model("energy", seed=0).get_weights())
        np.testing.assert_array_equal(predict(model, images, output), before)


def test_a_model_that_nobody_holds_is_let_go():
    model = build_model(seed=0)
    predict(model, load_mnist()[1][0][:1])
    kept = weakref.ref(model)
    del model
    gc.collect()
    assert kept() is None


def test_predict_takes_images_as_they_come():
    model = model_of("energy")
    images = load_mnist()[1][0][:2]
    expected = model(images[..., None].astype("float32"))
    for same in (images, images[..., None], images.astype("float64")):
        np.testing.assert_allclose(predict(model, same), expected, atol=1e-6)
    given = model_of("given")
    maps = np.ones((2, 15, 15))
    assert attention_maps(given, [images, maps]).shape == (2, 15, 15)
    assert attention_maps(given, (images[..., None], maps)).shape == (2, 15, 15)


def test_several_layers_at_once_are_each_alone():
    model, images = model_of("energy"), reference.digits(2)
    names = ("attention", "conv_1", "softmax")
    for name, found in zip(names, predict(model, images, names), strict=True):
        expected = predict(model, images, name)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_many_images_give_what_few_give():
    """More than one call's worth, a remainder, and none at all."""
    model, images = model_of("top_n"), reference.digits(47)
    names = ("attention", "conv_2 again", "softmax")
    together = predict(model, images, names)
    for start, size in ((0, 1), (19, 3), (40, 7)):
        some = predict(model, images[start : start + size], names)
        for one, every in zip(some, together, strict=True):
            part = every[start : start + size]
            np.testing.assert_allclose(one, part, rtol=1e-4, atol=1e-4)
    assert predict(model, images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    ("kind", "wiring"),
    [("energy", {}), ("given", {}), ("place", {"looks_at": "gate"})],
)
def test_a_layer_that_is_used_twice_gives_its_first_look_or_again_its_second(
    kind, wiring
):
    """A gate looks once only, and so does a network that is given its map."""
    model = reference.with_biases(build_wired(kind, seed=0, **wiring))
    inputs = inputs_of(model, reference.digits(2))
    images = inputs[0] if kind == "given" else inputs
    maps = attention_maps(model, inputs)
    expected = reference.look_twice(
        images, reference.weights_of(model), lambda *_: maps, **wiring
    )
    second = np.pad(maps, ((0, 0), (1, 1), (1, 1)))[..., None] * expected["pad_1"]
    kernel, bias = reference.weights_of(model)["conv_2"]
    second = reference.rectify(reference.convolve(second, kernel) + bias)
    once = wiring or kind == "given"
    first = second if once else expected["conv_2"]
    for name, activity in (("conv_2", first), ("conv_2 again", second)):
        found = predict(model, inputs, name)
        atol = 1e-5 * activity.max()
        np.testing.assert_allclose(found, activity, rtol=0, atol=atol, err_msg=name)
    if not once:
        assert not np.allclose(first, second, rtol=0.01)
        evidence = predict(model, inputs, "dense_2")
        np.testing.assert_allclose(evidence, expected["dense_2"], rtol=1e-3, atol=1e-3)


@every_kind
def test_the_second_look_at_a_model_s_own_gains_is_its_answer(kind):
    model = model_of(kind)
    inputs = inputs_of(model, reference.digits(25))
    names = ("pad_1", "attention", "softmax")
    padded, gains, expected = predict(model, inputs, names)
    found = second_look(model, padded, gains)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    other = second_look(model, padded, np.ones_like(gains))
    assert np.allclose(other, expected, rtol=0, atol=1e-6) == (kind == "ones")


@pytest.mark.parametrize(
    ("kind", "shapes", "message"),
    [
        ("ones", [(28, 28)], r"Received \(28, 28\)\. .*images\[None\]"),
        ("ones", [(2, 28, 29)], r"\(None, 28, 28, 1\).*Received \(2, 28, 29, 1\)"),
        ("ones", [(2, 28, 28, 3)], r"Received \(2, 28, 28, 3\)"),
        ("ones", [(2, 17, 40)], r"needs build_model.*image_shape="),
        ("ones", [(2, 28, 28), (2, 15, 15)], r"Received .* and \(2, 15, 15\)"),
        ("given", [(2, 28, 28)], r"28, 1\) and \(None, 15, 15\).*Received \(2, 28"),
        ("given", [(2, 28, 28), (2, 17, 17)], r"and \(2, 17, 17\)"),
        ("given", [(3, 28, 28), (2, 15, 15)], r"Received \(3, .* and \(2, 15"),
        ("given", [(3, 28, 28), (1, 15, 15)], r"Received \(3, .* and \(1, 15"),
    ],
)
def test_images_that_do_not_fit_the_model_are_refused(kind, shapes, message):
    arrays = [np.zeros(shape) for shape in shapes]
    inputs = arrays if len(arrays) > 1 else arrays[0]
    for look in (predict, attention_maps):
        with pytest.raises(ValueError, match=message):
            look(build_model(kind), inputs)


def test_an_unknown_layer_is_answered_with_all_layers():
    with pytest.raises(ValueError, match=r"conv_3.*conv_1.*conv_2.*softmax"):
        predict(build_model(), reference.digits(1), "conv_3")


# --- Files -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("given", {}),
        ("top_n", {"n": 3, "strength": 0.5}),
        ("shuffled", {"of": "top_n", "n": 3}),
        ("energy", {"noise_sd": 2.5}),
    ],
)
def test_a_saved_model_comes_back(kind, settings, tmp_path):
    model = model_of(kind, **settings)
    inputs = inputs_of(model, reference.digits(2))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    from_json = keras.models.model_from_json(model.to_json())
    from_json.set_weights(model.get_weights())
    for same in (again, from_json):
        np.testing.assert_array_equal(same(inputs), model(inputs))
        for layer in model.layers:
            assert same.get_layer(layer.name).get_config() == layer.get_config()
    if settings:
        maps = attention_maps(model, inputs)
        np.testing.assert_array_equal(attention_maps(again, inputs), maps)
