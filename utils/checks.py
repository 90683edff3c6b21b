"""Checks of settings and parameters: their type and range, with a clear error.

A check is a function `(name, value)` that returns the value, converted, or raises a
`ValueError`. `field` uses one in an attrs class, such as a run's spec or a display;
`check` and `parameters` apply several by name. A whole number may come as a float or as
one of NumPy's types.
"""

import ast
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from pathlib import Path

import attrs

INJECTED = "# Parameters"  # the first line of the cell that papermill adds
Check = Callable[[str, object], object]


def whole(*, least: int = 0, most: int | None = None) -> Check:
    """A check for a whole number from `least` to `most`."""
    span = _span(least, most)

    def checked(name, value):
        fits = _is_finite(value) and value == int(value) and _within(value, least, most)
        _expect(fits, name, f"a whole number {span}", value)
        return int(value)

    return checked


def number(*, least=0.0, most=None, above=None) -> Check:
    """A check for a finite number from `least` to `most`, or above `above`."""
    span = _span(least, most) if above is None else f"above {above:g}"

    def checked(name, value):
        fits = _is_finite(value)
        fits = fits and (
            _within(value, least, most) if above is None else value > above
        )
        _expect(fits, name, f"a finite number {span}", value)
        return float(value)

    return checked


def numbers(name, values) -> tuple[float, ...]:
    """Check finite numbers of at least 0, and return a tuple."""
    _expect(isinstance(values, Iterable), name, "numbers", values)
    return tuple(number()(name, value) for value in values)


def flag(name, value) -> bool:
    """Check that a value is True or False."""
    _expect(isinstance(value, bool), name, "True or False", value)
    return value


def choice(of: Iterable) -> Check:
    """A check for one of a few values."""
    of = list(of)

    def checked(name, value):
        fits = any(type(each) is type(value) and each == value for each in of)
        _expect(fits, name, f"one of {', '.join(map(repr, of))}", value)
        return value

    return checked


def path(*, also: str | None = None) -> Check:
    """A check for the path of an existing file, as text, or the word `also`."""
    other = "" if also is None else f"{also!r} or "

    def checked(name, value):
        is_path = isinstance(value, str | Path)
        exists = is_path and (value == also or Path(value).expanduser().exists())
        words = f"a path as text that exists; relative ones start from {Path.cwd()}"
        _expect(exists, name, other + words, value)
        return value

    return checked


def folder(name, value) -> str | Path:
    """Check the path of a folder, as text; the folder need not exist yet."""
    is_path = isinstance(value, str | Path)
    fits = is_path and not Path(value).expanduser().is_file()
    _expect(fits, name, "a folder's path", value)
    return value


def field(checked: Check, default=attrs.NOTHING):
    """A field of an attrs class whose values are checked."""

    def convert(value, field):
        return checked(field.name, value)

    converter = attrs.Converter(convert, takes_field=True)
    return attrs.field(default=default, converter=converter)


def check(checks: Mapping[str, Check], values: Mapping[str, object]) -> dict:
    """Check values by name, and return them, converted.

    Raises:
        ValueError: for a value that its check refuses, or a name without a check.
    """
    unknown = [name for name in values if name not in checks]
    if unknown:
        names = ", ".join(checks) or "none"
        raise ValueError(f"No parameter {unknown[0]!r}. Expected some of {names}.")
    return {name: checks[name](name, value) for name, value in values.items()}


def parameters(**checks: Check) -> None:
    """Check a notebook's parameters in place.

    Parameters that the notebook does not have are refused; papermill would only warn.

    Example:
        >>> parameters(noise_sd=number(), examples=whole(least=1, most=20))

    Raises:
        ValueError: as `check`.
    """
    notebook = sys._getframe(1).f_globals
    injected = (cell for cell in notebook.get("In", ()) if cell.startswith(INJECTED))
    given = {
        target.id: notebook[target.id]
        for cell in injected
        for statement in ast.parse(cell).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
    }
    notebook.update(check(checks, given | {name: notebook[name] for name in checks}))


def _expect(fits, name, expected, value):
    if not fits:
        raise ValueError(f"Expected {name}: {expected}. Received {value!r}.")


def _span(least, most):
    return f"of at least {least:g}" if most is None else f"from {least:g} to {most:g}"


def _within(value, least, most):
    return value >= least and (most is None or value <= most)


def _is_finite(value):
    real = isinstance(value, Real) and not isinstance(value, bool)
    return real and math.isfinite(value)
