"""Derived results: kept beside the records that they come from."""

import pytest
from tiny_study import SPECS

from utils.studies import kept as module
from utils.studies.arms import Arm
from utils.studies.kept import kept


@pytest.fixture
def arm(tiny):
    return Arm("control", SPECS[1], range(2), tiny)


def test_what_is_kept_is_computed_once_for_each_arm_and_argument(arm, tmp_path):
    calls = []

    def _found(*arguments):
        calls.append(arguments)
        return {"seeds": len(arguments[0].seeds), "others": arguments[1:]}

    one = Arm("control", arm.run, [1], arm.store)
    for asked in ((arm, 2.5), (arm, 2.5), (arm, 80.0), (one, 2.5), (one, 2.5)):
        found = kept(_found, *asked)
        assert found["seeds"] == len(asked[0].seeds)
        assert list(found["others"]) == [asked[1]]
    assert calls == [(arm, 2.5), (arm, 80.0), (one, 2.5)]
    files = [*(arm.store.folder / "derived").glob("found-*.json")]
    assert len(files) == 3


def test_where_nothing_can_be_written_it_is_computed_each_time(arm, monkeypatch):
    calls = []

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write", full)
    for _ in range(2):
        assert kept(lambda arm: calls.append(arm) or [1, 2], arm) == [1, 2]
    assert len(calls) == 2
