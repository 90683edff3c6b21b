"""Results that take long to compute, kept beside the records.

The name of a kept result covers everything that it depends on: the function's module
and code, the constants and functions that it reads, its arguments, and the runs with
their weights. Code counts by its syntax tree without docstrings, which is the same on
every Python. Code that makes runs counts by its name only, as in a record's name.
"""

import ast
import contextlib
import hashlib
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path

import attrs
import numpy as np

from utils.files import write
from utils.runs.arms import Arm

PACKAGE = Path(__file__).parents[1]
MEASURING = tuple(str(PACKAGE / room) for room in ("measures", "studies"))
PLACES = {"lineno", "col_offset", "end_lineno", "end_col_offset", "ctx", "kind"}


def derived(function: Callable, arm: Arm, *arguments):
    """`function(arm, *arguments)`, kept in the folder `derived/` of the arm's store.

    The result is computed anew if its file is damaged or cannot be written.

    Args:
        function: returns lists, dicts, numbers, texts and None; tuples become lists.
        arm: an arm of finished runs.
        *arguments: numbers, texts, arrays, specs, or objects made of these.

    Raises:
        TypeError: for a result that JSON cannot hold.
    """
    runs = [
        (spec.name, record["weights_sha256"])
        for spec, record in zip(arm.specs, arm.records, strict=True)
    ]
    sources = json.dumps([runs, fingerprint(function), fingerprint(arguments)])
    name = f"{function.__module__.split('.')[-1]}.{function.__name__.strip('_')}"
    name = f"{name.replace('<lambda>', 'lambda')}-{_digest(sources)[:10]}.json"
    path = arm.store.folder / "derived" / name
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_text("utf-8"))
        if kept["sha256"] == _digest(json.dumps(kept["result"])):
            return _unpacked(kept["result"])
    found = _packed(function(arm, *arguments))
    kept = {"result": found, "sha256": _digest(json.dumps(found))}
    with contextlib.suppress(OSError):  # a read-only store, a full disk
        write(path, (json.dumps(kept) + "\n").encode())
    return _unpacked(found)


def fingerprint(value, inside: tuple = ()):
    """Nested lists of texts that are equal for equal values, and only for these.

    Args:
        value: a plain value, an array, a function, a class, or an object of these.
        inside: identities of the values that contain it, which end a cycle.
    """
    if id(value) in inside:
        return "itself"
    of = _Inside((*inside, id(value)))
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return [type(value).__name__, repr(value)]
    if isinstance(value, np.ndarray | np.generic):
        array = np.ascontiguousarray(value)
        return ["array", array.dtype.str, str(array.shape), _digest(array.tobytes())]
    if isinstance(value, Mapping):
        return ["mapping", *sorted((of(pair) for pair in value.items()), key=str)]
    if isinstance(value, Set):
        return ["set", *sorted(map(of, value), key=str)]
    if isinstance(value, Sequence):
        return [type(value).__name__, *map(of, value)]
    if isinstance(value, types.FunctionType):
        return ["function", _name(value), *(_code(value, of) if _counts(value) else ())]
    if isinstance(value, type):
        return ["class", _name(value), *(_class(value, of) if _counts(value) else ())]
    if isinstance(value, types.ModuleType | types.BuiltinFunctionType | property):
        return [type(value).__name__, getattr(value, "__name__", "")]
    if attrs.has(type(value)):
        fields = [x.name for x in attrs.fields(type(value)) if x.eq is not False]
        return [_name(type(value)), *(of([x, getattr(value, x)]) for x in fields)]
    return [_name(type(value)), of(getattr(value, "__dict__", {}))]


class _Inside:
    """`fingerprint` for the parts of a value."""

    def __init__(self, inside):
        self.inside = inside

    def __call__(self, part):
        return fingerprint(part, self.inside)


def _name(value):
    return f"{value.__module__}.{value.__qualname__}"


def _counts(value):
    """Whether code counts by its syntax rather than by its name only."""
    module = sys.modules.get(value.__module__)
    file = str(getattr(module, "__file__", None) or "")
    known = file.startswith((str(PACKAGE), sys.prefix, sys.base_prefix))
    return file.startswith(MEASURING) or not known


def _code(function, of):
    """A function's syntax, its defaults, and the outside values that it reads."""
    code, names = function.__code__, sorted(set(_names(function.__code__)))
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    read = {name: cell.cell_contents for name, cell in cells}
    for name in set(names) & function.__globals__.keys():
        read[name] = value = function.__globals__[name]
        if isinstance(value, types.ModuleType) and _is_written_here(value):
            found = {x: getattr(value, x) for x in names if hasattr(value, x)}
            read |= {f"{name}.{x}": each for x, each in found.items()}
    defaults = function.__defaults__, function.__kwdefaults__
    return [_tree(function), of(defaults), of(read)]


def _class(value, of):
    """A class's syntax, and the outside values that its methods read."""
    members = [getattr(x, "fget", None) or x for x in vars(value).values()]
    codes = [x.__code__ for x in members if isinstance(x, types.FunctionType)]
    names = sorted({name for code in codes for name in _names(code)})
    outside = vars(sys.modules.get(value.__module__, types))
    return [_tree(value), of({x: outside[x] for x in names if x in outside})]


def _is_written_here(module):
    """Whether a module is the project's or the reader's, not an installed one."""
    file = str(getattr(module, "__file__", None) or sys.prefix)
    installed = file.startswith((sys.prefix, sys.base_prefix))
    return file.startswith(str(PACKAGE)) or not installed


def _names(code):
    """The names that code uses, and those of the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _tree(value):
    """The syntax of a function or class; of a lambda, or without source, bytecode."""
    try:
        if value.__name__ == "<lambda>" or "<lambda>" in value.__qualname__:
            raise OSError
        return _syntax(ast.parse(textwrap.dedent(inspect.getsource(value))))
    except (OSError, SyntaxError, TypeError):
        return _instructions(getattr(value, "__code__", None))


def _syntax(node):
    """A syntax tree as nested lists, without docstrings, places and empty fields."""
    if isinstance(node, list):
        return [_syntax(each) for each in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: x for name, x in ast.iter_fields(node) if name not in PLACES}
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
        fields["body"] = node.body[1:]
    kept = [[x, _syntax(each)] for x, each in fields.items() if each not in (None, [])]
    return [type(node).__name__, *kept]


def _instructions(code):
    if not isinstance(code, types.CodeType):
        return repr(code)
    constants = map(_instructions, code.co_consts)
    return [code.co_code.hex(), *constants, *code.co_names, *code.co_varnames]


def _packed(value):
    """A value as JSON holds it; a dict with keys other than texts becomes its pairs."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_packed(each) for each in value]
    if isinstance(value, dict):
        pairs = [[_packed(key), _packed(each)] for key, each in value.items()]
        plain = all(isinstance(key, str) for key in value) and "pairs" not in value
        return dict(pairs) if plain else {"pairs": pairs}
    raise TypeError(
        "Expected a result of lists, dicts, numbers, texts and None, to be kept as "
        f"JSON. Received {type(value).__name__}. Convert it: array.tolist(), float(x)."
    )


def _unpacked(value):
    if isinstance(value, list):
        return [_unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "pairs" in value:
        pairs = ((_unpacked(key), _unpacked(each)) for key, each in value["pairs"])
        return {tuple(k) if isinstance(k, list) else k: each for k, each in pairs}
    return {key: _unpacked(each) for key, each in value.items()}


def _digest(content: str | bytes) -> str:
    content = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(content).hexdigest()
