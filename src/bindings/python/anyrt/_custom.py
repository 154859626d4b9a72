"""Operators written in Python."""
from __future__ import annotations

import inspect
import traceback
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from . import _anyrt
from ._errors import InvalidArgument

_KINDS = {float: "float", int: "int", str: "string", bytes: "string", bool: "int"}


def _attributes(function: Callable[..., Any]) -> tuple[list[str], int, bool, list[tuple[str, str, Any]]]:
    """Inputs, how many of them are required, whether the last takes any number, and attributes (name, kind, default)."""
    inputs: list[str] = []
    required, variadic = 0, False
    attrs: list[tuple[str, str, Any]] = []
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.VAR_KEYWORD:
            raise InvalidArgument(f"{function.__name__}: attributes are keyword-only parameters, found **{p.name}")
        if p.kind is p.VAR_POSITIONAL:
            inputs.append(p.name)
            variadic = True
        elif p.kind is not p.KEYWORD_ONLY:
            inputs.append(p.name)
            required += p.default is p.empty
        else:
            attrs.append((p.name, _attribute_kind(function.__name__, p), None if p.default is p.empty else p.default))
    return inputs, required, variadic, attrs


def _attribute_kind(where: str, p: inspect.Parameter) -> str:
    value = p.default
    if value is p.empty or value is None:
        kind = {"float": "float", "int": "int", "str": "string", "bool": "int", "list[int]": "ints", "list[float]": "floats"}.get(
            p.annotation if isinstance(p.annotation, str) else getattr(p.annotation, "__name__", str(p.annotation)))
        if str(p.annotation) in ("list[int]", "list[float]"):
            kind = "ints" if "int" in str(p.annotation) else "floats"
        if kind:
            return kind
    elif type(value) in _KINDS:
        return _KINDS[type(value)]
    elif isinstance(value, (list, tuple)) and value and all(isinstance(v, (int, float)) for v in value):
        return "floats" if any(isinstance(v, float) for v in value) else "ints"
    raise InvalidArgument(f"{where}: attribute '{p.name}' needs a default or annotation of int, float, str or a list of numbers")


def custom_op(name: str | None = None, *, domain: str = "custom", since: int = 1, outputs: int | Sequence[str] = 1,
              types: Mapping[str, str] | None = None, infer: Callable[..., Any] | None = None, pure: bool = True,
              doc: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function an operator of the process, for sessions made afterwards.

    Positional parameters are the operator's inputs (those with a default are optional, ``*rest`` takes any number) and come
    as arrays, lists or None; keyword-only parameters are its attributes, whose kinds follow from defaults or annotations.
    The function returns an array, or a tuple of ``outputs`` of them. ``types`` names the types of parameters and outputs as
    in ``{"x": "float32|float64", "y": "x"}``: what is not named takes any tensor; an output may name an input, whose type it
    then has. ``infer`` gets (dtype name, shape or None) of each input and the attributes, and returns the same of each
    output; open dimensions are names or None. Without it shapes are known when the model runs. ``pure=False`` keeps calls
    from being folded or merged. What the function raises ends the run with an error that holds the traceback."""
    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        inputs, required, variadic, attrs = _attributes(function)
        made = [f"y{i}" if i else "y" for i in range(outputs)] if isinstance(outputs, int) else list(outputs)

        def text_of_error() -> str:
            return "the Python function raised an error\n" + traceback.format_exc().rstrip()

        def evaluate(args: list, attributes: dict) -> tuple:
            try:
                result = function(*args, **attributes)
                result = result if isinstance(result, tuple) else (result,)
                if len(result) != len(made):
                    raise InvalidArgument(f"{function.__name__} returned {len(result)} values, expected {len(made)}")
                return (None, [r if r is None or isinstance(r, (list, dict)) else np.asarray(r) for r in result])
            except Exception:
                return (text_of_error(), [])

        def infer_types(args: list, attributes: dict) -> tuple:
            try:
                assert infer is not None
                result = infer(*args, **attributes)
                return (None, list(result) if isinstance(result, list) else [result])
            except Exception:
                return (text_of_error(), [])

        _anyrt.register_custom_op({
            "name": name or function.__name__, "domain": domain, "since": since, "doc": doc or inspect.getdoc(function) or "",
            "inputs": inputs, "required": required, "variadic": variadic, "outputs": made, "attrs": attrs, "types": dict(types or {}),
            "pure": pure, "eval": evaluate, "infer": infer_types if infer else None,
        })
        return function
    return wrap


def unregister_custom_op(name: str, domain: str = "custom") -> bool:
    """Takes an operator of the process away again; sessions made before keep it. False where there was none."""
    return _anyrt.unregister_custom_op(domain, name)
