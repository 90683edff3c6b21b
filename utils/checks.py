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
    return attrs.field(
        default=default, converter=_converter(_whole), validator=_span(least, most)
    )


def number(default=attrs.NOTHING, *, least=0.0, most=None, above=None):
    """A field for a finite number from `least` to `most`, or `above` some number."""
    return attrs.field(
        default=default,
        converter=_converter(_number),
        validator=_span(least, most) if above is None else validators.gt(above),
    )


def numbers(default=attrs.NOTHING):
    """A field for finite numbers of 0 or more, which become a tuple."""

    def convert(values, field):
        if not isinstance(values, Iterable):
            raise ValueError(f"Expected {field.name}: numbers. {_came(values)}")
        return tuple(_number(value, field) for value in values)

    return attrs.field(
        default=default,
        converter=_converter(convert),
        validator=validators.deep_iterable(validators.ge(0)),
    )


def flag(default=attrs.NOTHING):
    """A field for True or False."""
    return attrs.field(default=default, converter=_converter(_flag))


def choice(default=attrs.NOTHING, *, of: Iterable):
    """A field for one of a few values."""
    of = list(of)

    def one_of(_, field, value):
        if not any(type(each) is type(value) and each == value for each in of):
            names = ", ".join(map(repr, of))
            raise ValueError(f"Expected {field.name}: one of {names}. {_came(value)}")

    return attrs.field(default=default, validator=one_of)


def path(default=attrs.NOTHING, *, also: str | None = None):
    """A field for a path as text: of a file that exists, or the word `also`."""

    def exists(_, field, value):
        if not isinstance(value, str | Path):
            raise ValueError(f"Expected {field.name}: a path as text. {_came(value)}")
        if value != also and not Path(value).expanduser().exists():
            other = f"{also!r} or " if also is not None else ""
            raise ValueError(
                f"Expected {field.name}: {other}a path that exists; relative ones "
                f"start from {Path.cwd()}. {_came(value)}"
            )

    return attrs.field(default=default, validator=exists)


def folder(default=attrs.NOTHING):
    """A field for the path of a folder as text, which need not be there yet."""

    def no_file(_, field, value):
        if not isinstance(value, str | Path) or Path(value).expanduser().is_file():
            raise ValueError(f"Expected {field.name}: a folder's path. {_came(value)}")

    return attrs.field(default=default, validator=no_file)


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


def _converter(convert):
    return attrs.Converter(convert, takes_field=True)


def _span(least, most):
    limits = [] if least is None else [validators.ge(least)]
    return limits if most is None else [*limits, validators.le(most)]


def _whole(value, field):
    fits = isinstance(value, Real) and not isinstance(value, bool)
    if not (fits and math.isfinite(value) and value == int(value)):
        raise ValueError(f"Expected {field.name}: a whole number. {_came(value)}")
    return int(value)


def _number(value, field):
    fits = isinstance(value, Real) and not isinstance(value, bool)
    if not (fits and math.isfinite(value)):
        raise ValueError(f"Expected {field.name}: a finite number. {_came(value)}")
    return float(value)


def _flag(value, field):
    if not isinstance(value, bool):
        raise ValueError(f"Expected {field.name}: True or False. {_came(value)}")
    return value


def _came(value):
    return f"Received {value!r}."
