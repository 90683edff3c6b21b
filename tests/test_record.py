"""Records: which images were right, and what a result was made with."""

import numpy as np
import pytest

from utils.record import decode_correct, encode, processor, versions


@pytest.mark.parametrize("count", [1, 8, 150])
def test_right_and_wrong_come_back(count):
    right = np.random.default_rng(0).random(count) < 0.5
    record = {"correct": {"2.5": encode(right)}, "spec": {"test_images": count}}
    np.testing.assert_array_equal(decode_correct(record, 2.5), right)
    with pytest.raises(ValueError, match=r"2\.5, not 5"):
        decode_correct(record, 5)


def test_versions_and_processor_are_known():
    assert {"python", "jax", "jaxlib", "keras", "numpy"} < versions().keys()
    assert all(versions().values())
    assert processor()
