"""Settings and parameters, checked in one way: type, range, and what came instead.

Each function makes a field of an attrs class. Run specs and displays are such classes;
`check` and `parameters` make one on the spot, for a kind of attention or a notebook.
Whole numbers that arrive as floats, or as NumPy's, are whole numbers.
"""

import ast
import math
import sys
from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path

import attrs
from attrs import validators

INJECTED = "# Parameters"  # how papermill begins the cell of what it was given


def whole(default=attrs.NOTHING, *, least: int = 0, most: int | None = None):
    """A field for a whole number from `least` to `most`."""
    return _field(default, _span(least, most), _whole)


def number(default=attrs.NOTHING, *, least=0.0, most=None, above=None):
    """A field for a finite number from `least` to `most`, or `above` some number."""
    span = _span(least, most) if above is None else validators.gt(above)
    return _field(default, span, _number)


def numbers(default=attrs.NOTHING):
    """A field for finite numbers of 0 or more, which become a tuple."""

    def convert(values, field):
        _expect(isinstance(values, Iterable), field, "numbers", values)
        return tuple(_number(value, field) for value in values)

    return _field(default, validators.deep_iterable(validators.ge(0)), convert)


def flag(default=attrs.NOTHING):
    """A field for True or False."""
    return _field(default, _that("True or False", lambda x: isinstance(x, bool)))


def choice(default=attrs.NOTHING, *, of: Iterable):
    """A field for one of a few values."""
    of = list(of)

    def one_of(value):
        return any(type(each) is type(value) and each == value for each in of)

    return _field(default, _that(f"one of {', '.join(map(repr, of))}", one_of))


def path(default=attrs.NOTHING, *, also: str | None = None):
    """A field for a path as text: of a file that exists, or the word `also`."""
    other = "" if also is None else f"{also!r} or "
    words = f"a path as text that exists; relative ones start from {Path.cwd()}"

    def exists(value):
        is_path = isinstance(value, str | Path)
        return is_path and (value == also or Path(value).expanduser().exists())

    return _field(default, _that(other + words, exists))


def folder(default=attrs.NOTHING):
    """A field for the path of a folder as text, which need not be there yet."""

    def no_file(value):
        return isinstance(value, str | Path) and not Path(value).expanduser().is_file()

    return _field(default, _that("a folder's path", no_file))


def check(fields: Mapping[str, object], values: Mapping[str, object]) -> dict:
    """Values of such fields, converted.

    Raises:
        ValueError: for a value that its field refuses, or one without a field.
    """
    unknown = [name for name in values if name not in fields]
    if unknown:
        names = ", ".join(fields) or "none"
        raise ValueError(f"No parameter {unknown[0]!r}. Expected some of {names}.")
    return attrs.asdict(attrs.make_class("Values", dict(fields))(**values))


def parameters(**fields) -> None:
    """Check a notebook's parameters, where they stand, and refuse any other.

    What papermill was given by a name that the notebook has not would else change
    nothing and go unnoticed.

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
    notebook.update(check(fields, given | {name: notebook[name] for name in fields}))


def _field(default, validator, convert=None):
    converter = convert and attrs.Converter(convert, takes_field=True)
    return attrs.field(default=default, validator=validator, converter=converter)


def _that(expected, fits):
    return lambda _, field, value: _expect(fits(value), field, expected, value)


def _expect(fits, field, expected, value):
    if not fits:
        raise ValueError(f"Expected {field.name}: {expected}. Received {value!r}.")


def _span(least, most):
    limits = [validators.ge(least)]
    return limits if most is None else [*limits, validators.le(most)]


def _whole(value, field):
    fits = _is_finite(value) and value == int(value)
    _expect(fits, field, "a whole number", value)
    return int(value)


def _number(value, field):
    _expect(_is_finite(value), field, "a finite number", value)
    return float(value)


def _is_finite(value):
    real = isinstance(value, Real) and not isinstance(value, bool)
    return real and math.isfinite(value)
