"""Settings: what a field takes, what it makes of it, and what it says of the rest."""

import math

import numpy as np
import pytest

from utils import checks
from utils.checks import check, parameters


def one(field, value):
    return check({"it": field}, {"it": value})["it"]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (checks.whole(), 3, 3),
        (checks.whole(), 3.0, 3),
        (checks.whole(), np.int64(3), 3),
        (checks.whole(least=-1), -1, -1),
        (checks.number(), 0, 0.0),
        (checks.number(), np.float32(2.5), 2.5),
        (checks.number(most=1), 1, 1.0),
        (checks.numbers, [0, np.float64(2.5)], (0.0, 2.5)),
        (checks.numbers, (), ()),
        (checks.flag, True, True),
        (checks.choice(of=("a", 1)), 1, 1),
        (checks.path(also="mnist"), "mnist", "mnist"),
        (checks.path(), __file__, __file__),
    ],
)
def test_values_that_fit_are_converted(field, value, expected):
    found = one(field, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        *(
            (checks.whole(), value, f"whole number.*Received {value!r}")
            for value in (2.5, "3", True, None, math.nan, math.inf)
        ),
        (checks.whole(), -1, "of at least 0.*-1"),
        (checks.whole(least=1, most=20), 21, "from 1 to 20.*21"),
        *(
            (checks.number(), value, f"finite number.*Received {value!r}")
            for value in ("1", True, None, math.nan, math.inf)
        ),
        (checks.number(), -0.1, r"of at least 0.*-0\.1"),
        (checks.number(above=0), 0, "above 0.*0"),
        (checks.numbers, 2.5, r"numbers.*2\.5"),
        (checks.numbers, [0, -1], "of at least 0.*-1"),
        (checks.numbers, ["1"], "finite number.*'1'"),
        (checks.flag, 1, "True or False.*1"),
        (checks.choice(of=("a", 1)), "b", "one of 'a', 1.*'b'"),
        (checks.choice(of=("a", 1)), True, "one of 'a', 1.*True"),
        (
            checks.path(also="mnist"),
            "none.npz",
            "'mnist' or a path as text that exists.*'none.npz'",
        ),
        (checks.path(), 3, "path as text.*3"),
    ],
)
def test_values_that_do_not_fit_are_named(field, value, words):
    with pytest.raises(ValueError, match=f"it.*{words}"):
        one(field, value)


def test_a_folder_need_not_exist_but_a_file_is_refused(tmp_path):
    assert one(checks.folder, str(tmp_path / "new")) == str(tmp_path / "new")
    with pytest.raises(ValueError, match=r"folder.*test_checks"):
        one(checks.folder, __file__)


def test_a_value_without_a_field_is_refused():
    with pytest.raises(ValueError, match=r"'m'.*some of n, k"):
        check({"n": checks.whole(), "k": checks.whole()}, {"m": 1})


def notebook(monkeypatch, *cells, **values):
    """Pretend that this module is a notebook whose cells were run."""
    for name, value in {**values, "In": ["", *cells]}.items():
        monkeypatch.setitem(globals(), name, value)


def test_parameters_are_checked_and_converted_where_they_stand(monkeypatch):
    injected = f"{checks.INJECTED}\nexamples = 5.0\n"
    notebook(monkeypatch, injected, examples=5.0, noise_sd=3)
    parameters(examples=checks.whole(least=1), noise_sd=checks.number())
    assert (examples, noise_sd) == (5, 3.0)  # noqa: F821
    assert type(examples) is int  # noqa: F821
    with pytest.raises(ValueError, match=r"examples.* at least 6.*5"):
        parameters(examples=checks.whole(least=6), noise_sd=checks.number())


def test_a_parameter_that_the_notebook_lacks_is_refused(monkeypatch):
    """papermill would only warn, and the name change nothing."""
    injected = f"{checks.INJECTED}\nexample = 5\n"
    notebook(monkeypatch, injected, examples=10, example=5)
    with pytest.raises(ValueError, match=r"'example'.*some of examples"):
        parameters(examples=checks.whole(least=1))
