"""Read-outs with and without a map: what is compared with what."""

import attrs
import pytest

from utils.studies import controls, read_out
from utils.studies.read_out import CELLS, OTHERS


def test_the_four_cells_differ_in_the_read_out_and_the_map_only():
    """So that their interaction is about these two."""
    plain = {
        attrs.evolve(each.spec, read_out="mean", attention="ones") for each in CELLS
    }
    assert len(plain) == 1
    found = {(each.spec.read_out, each.spec.attention) for each in CELLS}
    outs, maps = ("mean", "attention_pooling"), ("ones", "normalised")
    assert found == {(out, kind) for out in outs for kind in maps}


def test_settings_are_chosen_with_seeds_that_no_arm_has():
    for each in (*CELLS, *OTHERS, *controls.NETWORKS):
        assert len(each.seeds) == 2
        assert not {*each.seeds} & {*read_out.SEEDS}


@pytest.mark.parametrize(
    "network", [*CELLS, *OTHERS, *controls.NETWORKS], ids=lambda each: each.label
)
def test_a_chosen_setting_is_no_end_of_those_tried(network):
    """Neither its rate nor the constant of its map: a better one may lie beyond."""
    for name in ("learning_rate", "sigma"):
        values = [flat(setting).get(name) for setting in network.settings]
        if None not in values:
            assert min(values) < flat(network.chosen)[name] < max(values)


def flat(setting):
    """A setting with the parameters of its map beside its rate."""
    return setting | setting.get("attention_parameters", {})
