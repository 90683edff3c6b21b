"""An arm of one's own data is looked at with those data, never with MNIST.

Its images are smaller and empty, and its labels are in order: MNIST would show.
"""

import numpy as np
import pytest
from invented import save

from utils.displays import Display
from utils.measures import pointing
from utils.runs.arms import Arm
from utils.runs.store import Store
from utils.spec import RunSpec
from utils.wiring import build_network

SIZE, COUNT = 20, 40
LABELS = np.arange(COUNT) % 10


@pytest.fixture
def arm_of(tmp_path):
    """Return a function: an arm of one untrained network, on data of one's own."""
    images = np.zeros((COUNT, SIZE, SIZE), "uint8")
    np.savez(
        tmp_path / "mine.npz",
        **{f"x_{part}": images for part in ("train", "test")},
        **{f"y_{part}": LABELS for part in ("train", "test")},
    )

    def arm_of(attention, **settings):
        spec = RunSpec(attention, data=str(tmp_path / "mine.npz"), **settings)
        layers = build_network(spec).layers
        weights = {
            f"{x.name}/{v.name}": np.asarray(v.value) for x in layers for v in x.weights
        }
        arm = Arm("mine", spec, [0], Store(tmp_path / "records"))
        save(arm.store, spec, weights=weights)
        return arm

    return arm_of


def test_a_look_shows_the_arm_s_own_images(arm_of):
    arm = arm_of("energy", display=Display())
    seen = pointing.look(arm, 0, 0.0, COUNT)
    np.testing.assert_array_equal(seen.labels, LABELS)
    assert not seen.images.any()
    assert seen.places.max() > Display().rows - 28  # where only a small digit fits
