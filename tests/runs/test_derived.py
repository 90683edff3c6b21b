"""Kept results: another name for all that could change them, and nothing else."""

import importlib.util
import itertools
import os
import subprocess
import sys
from pathlib import Path

import attrs
import numpy as np
import pytest
from invented import save

from utils.measures import pointing
from utils.runs.arms import Arm
from utils.runs.derived import derived, fingerprint
from utils.runs.store import Store
from utils.spec import RunSpec
from utils.studies import gain


def finished(store, kind="ones", weight=1.0):
    """An arm of one made-up run."""
    arm = Arm(kind, RunSpec(kind), [0], store)
    save(store, arm.specs[0], weights={"weight": np.full(1, weight)})
    return arm


@pytest.fixture
def arm(tmp_path):
    return finished(Store(tmp_path / "records"))


def kept(arm):
    return sorted((arm.store.folder / "derived").iterdir())


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Return a function: `shown` of a module that is written anew and loaded."""
    numbers = itertools.count()

    def shown(source, name="mine"):
        path = tmp_path / str(next(numbers)) / f"{name}.py"
        path.parent.mkdir()
        path.write_text(source, "utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module.shown

    return shown


# --- What changes a result, and what does not -------------------------------------

CODE = '''
COUNT, STEP = 1, 1

def inner():
    return 10

def helper():
    return inner()

class Scale:
    def by(self):
        return STEP

def shown(arm, more=100):
    """What is shown."""
    return [COUNT, helper() + more, [COUNT for _ in range(2)], Scale().by()]
'''
CHANGES = {
    "a constant": ("STEP = 1, 1", "STEP = 2, 1"),
    "a constant that only a method reads": ("STEP = 1, 1", "STEP = 1, 2"),
    "the body": ("helper() + more", "helper() - more"),
    "a default": ("more=100", "more=200"),
    "a helper": ("return inner()", "return -inner()"),
    "a helper's helper": ("return 10", "return 11"),
    "a class": ("return STEP", "return -STEP"),
}
NO_CHANGES = {
    "a docstring": ("What is shown.", "A list of numbers."),
    "a comment": ("return 10", "return 10  # as ever"),
    "another layout": ("[COUNT, helper()", "[\n        COUNT, helper()"),
    "code that is not used": ("def inner", "UNUSED = 3\n\ndef inner"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_code_that_changes_gives_its_own_result(shown, arm, change):
    for source in (CODE, CODE.replace(*CHANGES[change])):
        function = shown(source)
        assert derived(function, arm) == function(arm)
    assert len(kept(arm)) == 2


@pytest.mark.parametrize("change", NO_CHANGES)
def test_code_that_means_the_same_is_not_computed_anew(shown, arm, change):
    assert CODE.replace(*NO_CHANGES[change]) != CODE
    for source in (CODE, CODE.replace(*NO_CHANGES[change])):
        derived(shown(source), arm)
    assert len(kept(arm)) == 1


def test_functions_of_one_name_in_two_modules_have_a_result_each(shown, arm):
    code = "def shown(arm):\n    return __name__\n"
    for name in ("mine", "other"):
        assert derived(shown(code, name), arm) == name
    assert [path.name.split("-")[0] for path in kept(arm)] == [
        "mine.shown",
        "other.shown",
    ]


def test_a_constant_that_is_read_through_a_module_counts(shown, arm, monkeypatch):
    """One of the project's modules, or one of the reader's."""
    shown("SIZE = 3\n\n\ndef shown(arm): ...", "settings")
    code = "import settings\nfrom utils.measures import pointing\n\n\n"
    function = shown(
        f"{code}def shown(arm):\n    return pointing.LOOKED + settings.SIZE\n"
    )
    assert derived(function, arm) == pointing.LOOKED + 3
    monkeypatch.setattr(pointing, "LOOKED", 7)
    assert derived(function, arm) == 10
    sys.modules["settings"].SIZE = 4
    assert derived(function, arm) == 11


def test_two_lambdas_and_two_enclosed_values_have_a_result_each(arm):
    def adding(number):
        return lambda arm: number

    assert [derived(each, arm) for each in (lambda arm: 1, lambda arm: 2)] == [1, 2]
    assert [derived(adding(number), arm) for number in (3, 4)] == [3, 4]


# --- Arguments and runs -----------------------------------------------------------


@attrs.frozen
class Field:
    """An argument with fields."""

    size: float


class Plain:
    """An argument whose `repr` holds an address."""

    def __init__(self, size):
        self.size = size


def at(place, length=2_000):
    array = np.zeros(length)
    array[place] = 1
    return array


DIFFERENT = {
    "arrays that `repr` shortens": (at(1_000), at(1_001)),
    "types of arrays": (np.zeros(2, "float32"), np.zeros(2)),
    "shapes of arrays": (np.zeros((2, 3)), np.zeros((3, 2))),
    "plain objects": (Plain(1), Plain(2)),
    "objects with fields": (Field(1.0), Field(2.0)),
    "specs": (RunSpec(seed=1), RunSpec(seed=2)),
    "numbers and texts": (1, "1"),
    "whole numbers and others": (1, 1.0),
    "numbers and True": (1, True),
    "keys": ({1: 2}, {"1": 2}),
    "nesting": ([[1], 2], [1, [2]]),
}


@pytest.mark.parametrize("of", DIFFERENT)
def test_arguments_that_differ_have_different_fingerprints(of):
    one, other = DIFFERENT[of]
    assert fingerprint(one) != fingerprint(other)


def test_equal_arguments_have_equal_fingerprints():
    assert fingerprint(Plain(at(3))) == fingerprint(Plain(at(3)))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    itself = []
    itself.append(itself)
    assert fingerprint(itself) == fingerprint(itself)  # a cycle ends


def counted(arm, path, *arguments):
    """The number of seeds and the arguments; a line in a file for each call."""
    with Path(path).open("a", encoding="utf-8") as calls:
        calls.write(f"{len(arm.seeds)} {arguments}\n")
    return {"seeds": len(arm.seeds), "others": list(arguments)}


def test_a_result_is_computed_once_for_each_arm_and_argument(arm, tmp_path):
    calls = tmp_path / "calls"
    none = attrs.evolve(arm, seeds=[])
    for asked in ((arm, 2.5), (arm, 2.5), (arm, 80.0), (none, 2.5), (none, 2.5)):
        found = derived(counted, asked[0], str(calls), asked[1])
        assert found == {"seeds": len(asked[0].seeds), "others": [asked[1]]}
    lines = calls.read_text("utf-8").splitlines()
    assert lines == ["1 (2.5,)", "1 (80.0,)", "0 (2.5,)"]
    assert len(kept(arm)) == 3


def test_other_runs_and_other_weights_have_other_results(tmp_path):
    def found(arm):
        return [arm.spec.attention, float(arm.weights(0)["weight"][0])]

    asked = [("ones", 1.0), ("energy", 1.0), ("ones", 2.0)]
    for kind, weight in asked:
        arm = finished(Store(tmp_path), kind, weight)
        assert derived(found, arm) == [kind, weight]
    assert len(kept(arm)) == 3


# --- The file ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "result",
    [
        {1: 2, 2: {3: [None, True]}},
        {"pairs": [[1, 2]]},
        {(0, 1): "a place"},
        [0.1, 1e300, float("inf"), "text"],
    ],
)
def test_a_kept_result_is_the_one_that_was_computed(arm, result):
    for _ in range(2):
        assert derived(lambda arm: result, arm) == result


def test_a_kept_nan_is_nan(arm):
    for _ in range(2):
        assert np.isnan(derived(lambda arm: float("nan"), arm))


DAMAGE = {
    "cut short": lambda content: content[:-20],
    "merge marks": lambda content: b"<<<<<<< ours\n" + content + b">>>>>>> theirs\n",
    "empty": lambda content: b"",
    "other bytes": lambda content: bytes(8),
    "another number": lambda content: content.replace(b"[1", b"[7"),
    "another form": lambda content: b"[1, 2]",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_result_is_computed_anew(arm, tmp_path, damage):
    calls = tmp_path / "calls"
    first = derived(counted, arm, str(calls), [1, 2])
    (path,) = kept(arm)
    content = path.read_bytes()
    path.write_bytes(DAMAGE[damage](content))
    for _ in range(2):
        assert derived(counted, arm, str(calls), [1, 2]) == first
    assert calls.read_text("utf-8").count("\n") == 2
    assert path.read_bytes() == content


def test_a_result_that_json_cannot_hold_is_refused(arm):
    with pytest.raises(
        TypeError, match=r"Received ndarray\. Convert it: array\.tolist"
    ):
        derived(lambda arm: np.ones(2), arm)


def test_where_nothing_can_be_written_it_is_computed_each_time(
    arm, tmp_path, monkeypatch
):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("utils.runs.derived.write", full)
    for _ in range(2):
        assert derived(counted, arm, str(tmp_path / "calls"))["seeds"] == 1
    assert (tmp_path / "calls").read_text("utf-8").count("\n") == 2


def test_a_fresh_process_finds_what_was_kept():
    """Hashes of texts differ from process to process, addresses too."""
    values = pointing._pointed, gain._swapped, {"a", "b", "c"}
    code = (
        "import utils; from utils.measures import pointing; "
        "from utils.runs.derived import fingerprint; "
        "from utils.studies import gain; "
        "values = pointing._pointed, gain._swapped, {*'cab'}; "
        "print(fingerprint(values))"
    )
    for seed in "12":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        output = subprocess.check_output(command, env=environment, encoding="utf-8")
        assert output.strip() == str(fingerprint(values))
