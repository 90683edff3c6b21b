"""Runs side by side in one program are the runs that they are alone."""

import attrs
import numpy as np
import pytest

from utils.displays import Display
from utils.runs import together
from utils.runs.probes import Probe
from utils.runs.store import Store
from utils.spec import RunSpec
from utils.training import train

RUN = RunSpec(
    display=Display(28, 28, second_digit=True),
    attention="given",
    noise_sd=60.0,
    images=40,
    epochs=2,
    batch_size=4,
    optimizer="adam",
    learning_rate=0.001,
    test_images=50,
    curve_images=20,
    test_noise_sds=(0.0, 60.0),
)


def test_runs_side_by_side_equal_runs_alone(tmp_path):
    specs = [RUN, attrs.evolve(RUN, seed=3, learning_rate=0.002)]
    other = attrs.evolve(RUN, attention="normalised", field=True)
    records = together.run([*specs, other], tmp_path)
    assert [record["spec"] for record in records] == [
        each.to_json() for each in (*specs, other)
    ]
    store = Store(tmp_path)
    for spec, record in zip((*specs, other), records, strict=True):
        alone = train(spec, progress=False)
        losses = [[e["loss"] for e in r["epochs"]] for r in (record, alone.record)]
        np.testing.assert_allclose(*losses, rtol=1e-3)
        weights = store.weights(spec.name)
        assert weights.keys() == alone.weights.keys()
        start = train(attrs.evolve(spec, learning_rate=0.0), progress=False).weights
        for name, array in weights.items():  # Adam turns a rounded 0 into a step
            moved = np.abs(alone.weights[name] - start[name]).mean()
            assert np.abs(array - alone.weights[name]).mean() <= 0.05 * moved, name


def test_only_runs_that_can_be_side_by_side_are(tmp_path):
    with pytest.raises(ValueError, match="differ in seed and rate"):
        together.train_together([RUN, attrs.evolve(RUN, noise_sd=30.0)])
    by_sgd, probe = attrs.evolve(RUN, optimizer="sgd"), Probe(RUN, {"strength": 0.0})
    for each in (by_sgd, probe):
        with pytest.raises(ValueError, match="runs by Adam"):
            together.run([RUN, each], tmp_path)
    assert not Store(tmp_path).names()
