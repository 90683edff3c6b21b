"""Claims: sentences with a number, said where the comparison is made.

A notebook makes one `Claims` and calls it in the cells that compare; the table at its
end collects what these cells said. Nothing is computed here.
"""

import numpy as np
from IPython.display import Markdown

from utils.figures import table
from utils.statistics import Estimate, holm

HEADS = ("claim", "number", "95% interval", "p, corrected", "could have found")


class Claims:
    """What a notebook has claimed.

    Example:
        >>> say = Claims()
        >>> say("gain", "They differ by {}.", contrast(arm, control, 0.0))
        >>> say.table()
    """

    def __init__(self):
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
        """All claims, p-values corrected for their number (Holm)."""
        numbers = {key: number for key, (_, number) in self.said.items()}
        tested = [key for key, number in numbers.items() if not np.isnan(number.p)]
        corrected = dict(
            zip(tested, holm([numbers[key].p for key in tested]), strict=True)
        )
        rows = []
        for key, (text, each) in self.said.items():
            known = not np.isnan(each.low)
            rows.append(
                (
                    text,
                    each.number,
                    each.interval.split(" interval ")[1] if known else "",
                    f"{corrected[key]:.2g}" if key in corrected else "",
                    "" if np.isnan(each.detectable) else f"{each.detectable:.1f}",
                )
            )
        return table(HEADS, rows)
