"""Claims: said where the comparison is made, collected in a table."""

import pytest

from utils.estimate import Estimate
from utils.runs.claims import HEADS, Claims

GAP = Estimate(9.46, 7.91, 11.2, unit="points", basis="20 pairs", p=0.02)
BARE = Estimate(3.0, unit="times")


@pytest.fixture
def say():
    return Claims()


def rows(say, *more):
    """The table's cells, without its head."""
    head, _, *lines = say.table().data.strip().splitlines()
    assert [cell.strip() for cell in head.strip("| ").split("|")] == [*HEADS, *more]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_a_sentence_carries_its_number_and_the_output_its_key(say):
    said = say("gain", "They differ by {}.", GAP)
    words = "They differ by +9.5 points (95% interval +7.9 to +11.2, 20 pairs)."
    assert said.data == words
    assert said.metadata == {"claim": "gain"}
    assert say.said == {"gain": (words, GAP)}


def test_parts_of_a_number_and_others_beside_it(say):
    form = "{0.number} ({0.interval}), {1.number} as fast, {2} networks."
    said = say("both", form, GAP, BARE, 20)
    assert said.data == (
        "+9.5 points (95% interval +7.9 to +11.2, 20 pairs), 3.0 times as fast, "
        "20 networks."
    )


def test_the_table_holds_what_was_said_last_of_each_claim(say):
    say("gain", "An old {}.", BARE)
    say("bare", "It is {0.number}.", BARE)
    text = say("gain", "They differ by {}.", GAP).data
    assert rows(say) == [
        [text, "+9.5 points", "+7.9 to +11.2, 20 pairs"],
        ["It is 3.0 times.", "3.0 times", ""],
    ]


def test_primary_claims_alone_are_tested_and_corrected_for_those_of_their_study():
    say = Claims(("d", "b", "a"), ("e",))
    for key, p in (("a", 0.02), ("b", 0.01), ("c", 0.001), ("d", 0.5), ("e", 0.05)):
        say(key, f"{key} {{}}.", GAP._replace(p=p))
    assert [row[3] for row in rows(say, "p")] == ["0.04", "0.03", "", "0.5", "0.05"]


def test_a_primary_claim_that_was_not_made_is_missed():
    with pytest.raises(KeyError, match="uncertain"):
        Claims(("uncertain",)).table()
