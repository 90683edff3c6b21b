"""Claims: sentences with a number, printed in the cell that makes the comparison.

A notebook makes one `Claims` and calls it in each of these cells; the table at its end
repeats the sentences. Nothing is computed here.
"""

from collections.abc import Sequence

import numpy as np
from IPython.display import Markdown

from utils.estimate import Estimate
from utils.figures import table
from utils.inference import holm

HEADS = ("claim", "number", "95% interval")


class Claims:
    """The claims of a notebook.

    Args:
        *primary: for each study, the keys of the claims that were named before test
            images were scored. Only these have a p-value; all have an interval.

    Example:
        >>> say = Claims()
        >>> say("gain", "They differ by {}.", contrast(arm, control, 0.0))
        >>> say.table()
    """

    def __init__(self, *primary: Sequence[str]):
        self.primary = primary
        self.said: dict[str, tuple[str, Estimate]] = {}

    def __call__(self, key: str, sentence: str, number: Estimate, *others) -> Markdown:
        """Print a sentence, and keep it for the table.

        Args:
            key: name of the claim; a second sentence of that name replaces the first.
            sentence: with a place for each number: `{}` for all of an estimate,
                `{0.number}` and `{0.interval}` for its parts.
            number: the estimate that the claim is about.
            *others: further values for the sentence.

        Returns:
            The sentence, for the notebook; its metadata contains the key.
        """
        text = sentence.format(number, *others)
        self.said[key] = text, number
        return Markdown(text, metadata={"claim": key})

    def table(self) -> Markdown:
        """All claims; p-values of primary ones are corrected in each study (Holm)."""
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
