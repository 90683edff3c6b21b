"""Claims: sentences with a number, said where the comparison is made.

A notebook makes one `Claims` and calls it in the cells that compare; the table at its
end collects what these cells said. Nothing is computed here.
"""

from collections.abc import Sequence

import numpy as np
from IPython.display import Markdown

from utils.figures import table
from utils.inference import holm
from utils.statistics import Estimate

HEADS = ("claim", "number", "95% interval")


class Claims:
    """What a notebook has claimed.

    Args:
        *primary: keys of the claims that were named before test images were scored, of
            each study apart. They alone are tested; the others have an interval.

    Example:
        >>> say = Claims()
        >>> say("gain", "They differ by {}.", contrast(arm, control, 0.0))
        >>> say.table()
    """

    def __init__(self, *primary: Sequence[str]):
        self.primary = primary
        self.said: dict[str, tuple[str, Estimate]] = {}

    def __call__(self, key: str, sentence: str, number: Estimate, *others) -> Markdown:
        """Say a sentence.

        Args:
            key: names the claim: saying it again replaces what was said.
            sentence: with a place for each number: `{}` for all of an estimate,
                `{0.number}` and `{0.interval}` for its parts.
            number: what the claim is about.
            *others: more to put into the sentence.

        Returns:
            The sentence, for the notebook; the output carries the key.
        """
        text = sentence.format(number, *others)
        self.said[key] = text, number
        return Markdown(text, metadata={"claim": key})

    def table(self) -> Markdown:
        """All claims; p of the primary ones, corrected for those of a study (Holm)."""
        rows = [
            (
                text,
                each.number,
                "" if np.isnan(each.low) else each.interval.split(" interval ")[1],
            )
            for text, each in self.said.values()
        ]
        if not self.primary:
            return table(HEADS, rows)
        p_values = {}
        for keys in self.primary:
            corrected = holm([self.said[key][1].p for key in keys])
            p_values |= dict(zip(keys, corrected, strict=True))
        words = [f"{p_values[key]:.2g}" if key in p_values else "" for key in self.said]
        return table(
            (*HEADS, "p"), [(*row, p) for row, p in zip(rows, words, strict=True)]
        )
