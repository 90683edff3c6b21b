"""The trained networks that ship."""

import json

import numpy as np
import pytest

from utils.displays import Display
from utils.explorers import packing, shipped
from utils.explorers.shipped import trained, trained_model


def test_trained_networks_are_found_by_their_attention(monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"No trained network.*'ones'.*none"):
        trained()
    weights = {name: np.zeros(shape) for name, shape in packing.SHAPES.items()}
    displays = {28: None, 60: {"rows": 60, "cols": 60}}
    for kind, size in (("energy", 28), ("ones", 28), ("energy", 60)):
        record = {"spec": {"attention": kind, "display": displays[size]}}
        shifted = {name: array + len(kind) + size for name, array in weights.items()}
        (tmp_path / f"{kind}-run-{size}.json").write_text(json.dumps(record), "utf-8")
        np.savez(tmp_path / f"{kind}-run-{size}.npz", **shifted)
    assert (trained("energy")["dense_2/bias"] == 34).all()
    assert (trained("energy", Display(60, 60))["dense_2/bias"] == 66).all()
    with pytest.raises(FileNotFoundError, match=r"'top_n'.*energy, ones"):
        trained("top_n")
    with pytest.raises(FileNotFoundError, match=r"'ones' for Display.*holds energy\."):
        trained("ones", Display(60, 60))


def test_a_trained_model_has_the_settings_and_weights_of_its_record():
    model = trained_model("energy", Display(60, 60))
    assert model.input_shape[1:3] == (60, 60)
    weights = trained("energy", Display(60, 60))
    for variable in model.trainable_variables:
        name = "/".join(variable.path.split("/")[-2:])
        np.testing.assert_array_equal(variable.numpy(), weights[name])
