"""How the two looks are wired: as published or, for controls, in another way."""

import attrs

from utils.checks import choice, flag, number


@attrs.frozen(kw_only=True)
class Wiring:
    """What the map is made of, and what it does. The default is the published wiring.

    Raises:
        ValueError: for a value that there is not.
    """

    # The map is made of the first look or, in a gate, of `conv_2`'s input without one.
    looks_at: str = choice("conv_2", of=("conv_2", "conv_1"))
    # The gain multiplies the input of `conv_2`, the output of `conv_1`, or the average
    # over places; or a map that is given is a second channel and multiplies nothing.
    acts_on: str = choice("conv_2", of=("conv_2", "conv_1", "read_out", "input"))
    read_out: str = choice("mean", of=("mean", "max"))  # over places
    stops_gradient: bool = flag(False)  # learning leaves out what weights do by the map
    yoked: bool = flag(False)  # the map is made of other images, a second input
    # A map that is given multiplies the activity that the kind's own map is made of:
    field: bool = flag(False)  # the attention field of Reynolds and Heeger (2009)
    internal_noise: float = number(0.0)  # SD of noise in `conv_2`'s input, second look

    def check_kind(self, attention: str) -> None:
        """Refuse a kind of attention that cannot be wired so, by a `ValueError`."""
        if (self.yoked or self.field) and attention == "given":
            raise ValueError(
                "Expected a kind that makes its map (yoked, field). Received 'given'."
            )
        channel = self.acts_on == "input"
        if (channel and attention != "given") or (self.yoked and self.field):
            raise ValueError(
                "Expected one map or image beside the images: acts_on='input' with "
                f"'given', yoked or field. Received {attention!r} and {self}."
            )
