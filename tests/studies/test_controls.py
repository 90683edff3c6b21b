"""The controls of a referee: each changes one thing."""

import attrs

from utils.studies import controls
from utils.studies.decomposition import CONTROL, ENERGY, PLACE

CHANGED = {  # what a control changes, and in which network
    controls.MIDDLE_CONTROL: (CONTROL, {"display"}),
    controls.MIDDLE_ENERGY: (ENERGY, {"display"}),
    controls.YOKED: (ENERGY, {"yoked"}),
    controls.GATE: (PLACE, {"looks_at"}),
}


def test_each_control_differs_from_its_network_in_one_thing():
    assert {*CHANGED} == {*controls.NETWORKS}
    for control, (network, changed) in CHANGED.items():
        one, other = (each.spec.to_json() for each in (control, network))
        assert {name for name in one if one[name] != other[name]} == changed


def test_a_digit_in_the_middle_lies_on_a_canvas_of_the_same_size():
    middle, anywhere = controls.MIDDLE, CONTROL.spec.display
    assert attrs.evolve(middle, central=False) == anywhere
