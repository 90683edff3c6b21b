"""Read-outs with and without a map: what is compared with what."""

import attrs

from utils.studies import read_out
from utils.studies.read_out import CELLS, OTHERS, SIGMAS


def test_the_four_cells_differ_in_the_read_out_and_the_map_only():
    """So that their interaction is about these two."""
    plain = {
        attrs.evolve(each.spec, read_out="mean", attention="ones") for each in CELLS
    }
    assert len(plain) == 1
    found = {(each.spec.read_out, each.spec.attention) for each in CELLS}
    outs, maps = ("mean", "attention_pooling"), ("ones", "normalised")
    assert found == {(out, kind) for out in outs for kind in maps}


def test_each_network_is_tried_at_five_rates_and_a_map_at_each_constant():
    for each in (*CELLS, *OTHERS):
        rates = {setting["learning_rate"] for setting in each.settings}
        constants = len(SIGMAS) if each.spec.attention == "normalised" else 1
        assert len(rates) == 5
        assert len(each.settings) == 5 * constants
        assert len(each.seeds) == 2
        assert not {*each.seeds} & {*read_out.SEEDS}
