"""Of which kind an error is that a learner's code has raised.

That is told by what took part in it: the traceback knows the very place in the line, and the frames below that line
hold what the failing operation was given. Ranks, shapes and dtypes are the same on any processor and in any version;
wordings are not. They count where nothing else tells, and all that are known stand in one table.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import linecache
import math
import numbers
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType, NoneType, TracebackType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

SUPPORT = str(Path(__file__).parents[1])

#: For each kind of error the wordings that show it, in all libraries and versions and on all processors. Kinds that
#: have a test below are told by it, and by these only if what took part is not known.
WORDINGS: dict[str, tuple[str, ...]] = {
    # Python and NumPy
    "ambiguous_truth": ("truth value of an array",),
    "missing_argument": ("required positional argument", "missing a required argument"),
    "surplus_argument": ("but 1 was given", "were given", "too many positional arguments"),
    "unexpected_keyword": ("unexpected keyword", "not recognized", "Unrecognized keyword"),
    "not_iterable": ("object is not iterable",),
    "not_a_context_manager": ("context manager protocol",),
    "name_no_text": ("attribute name must be string",),
    "wrong_count_to_unpack": ("values to unpack",),
    "list_arithmetic": ("can't multiply sequence", "for /: 'list'"),
    "dict_for_number": ("'dict' ",),
    "none_operand": ("NoneType' and", "and 'NoneType", "None values", "(None)"),
    "none_compared": ("of 'NoneType' and",),
    "none_subscripted": ("'NoneType' object is not subscriptable",),
    "none_unpacked": ("non-iterable NoneType",),
    "no_integer": ("cannot be interpreted as an integer", "slice indices must be integers"),
    "several_numbers": ("can be converted to Python scalars",),
    "no_len": ("has no len()",),
    "no_axis": ("over a scalar", "has no `len", "of unsized", "slice scalar", "0-d"),
    # ranks and shapes
    "matmul_rank": (
        "has different ndims",
        "ndims must be",  # with oneDNN
        "must be rank 2",  # in a graph
        "must be at least 2",
        "not have enough dimensions",  # NumPy
    ),
    "matmul_sizes": (
        "Matrix size-incompatible",
        "In[0] mismatch In[1]",
        "mismatch in its core",  # NumPy
        "not aligned",  # NumPy's `dot`
    ),
    "not_broadcastable": (
        "ncompatible shapes",
        "required broadcastable",  # on a GPU
        "Dimensions must be equal",  # in a graph
        "could not be broadcast",  # NumPy
        "annot broadcast",  # Keras, on symbols
    ),
    "assigned_shape": (
        "Shape mismatch",
        "Cannot update variable with shape",
        "Cannot assign value to",
        "Cannot broadcast input shape",  # into a slice
        "shape of the target",  # Keras
    ),
    "reshaped_size": ("Input to reshape is a tensor with", "Cannot reshape", "cannot reshape"),
    "stacked_shapes": ("Shapes of all inputs must match", "same rank and shape"),
    "joined_ranks": ("Ranks of all input", "concatenate scalars", "must be at least rank"),
    "joined_along_no_axis": ("must have rank 0", "concat_dim", "concatenating dim"),
    "scattered_shapes": ("of indices", "Indices shape", "Inner dim", "Tindices"),
    "no_such_index": ("out of bounds", "out of range", "does not index into"),
    "no_such_axis": (
        "Invalid reduction",
        "in the range [",
        "not in range [",
        "out of range using",
        "is out of bounds for array of dimension",  # NumPy
        "but got 1",
    ),
    # dtypes
    "dtypes_differ": (
        "was expected to be a",
        "must have the same dtype",
        "Tensor conversion requested",
        "does not match type",  # in a graph
    ),
    "bool_operand": ("bool tensor", "of bool is not", "dtype bool", "type bool"),
    "bits_of_floats": ("not in the list of allowed values",),
    "axis_no_integer": ("'Tidx' of float",),
    "float_as_integer": ("EagerTensor of dtype int",),
    "no_dtype": ("to a TensorFlow DType",),
    # variables and tapes
    "no_initial_value": ("`initial_value` arg",),
    "method_not_called": ("bound method", "'method'"),
    # graphs
    "no_numbers_yet": ("symbolic tf.Tensor", "SymbolicTensor"),
    "out_of_scope": ("out of scope", "InaccessibleTensor"),
    "returns_no_tensor": ("found return value of type",),
    "changes_in_a_loop": ("before the loop, but",),
    "decorates_no_function": ("is not a callable object",),
    "signature_without_specs": ("sequence of TensorSpec",),
    "signature_of_other_length": ("either a tuple or a list", "type constraint"),
    "refused_by_signature": ("Can not cast",),
    # Keras
    "not_a_shape": ("to a shape",),
    "no_list_of_metrics": ("argument to be a list",),
    "unknown_name": ("not interpret",),
    "unknown_optimizer": ("optimizer identifier",),
    "unknown_initializer": ("interpret initializer",),
    "unknown_activation": ("interpret activation",),
    "no_gradients": ("No gradients provided",),
    "no_weights_yet": ("expected 2, got 0", "`trainable_variables`"),
    "super_init_missing": ("forgot to call", "super().__init__"),
    "weights_made_late": ("cannot add new elements of state",),
    "variable_as_boolean": ("Variable cannot be used as a boolean",),
    "texts_stacked": ("base_dtype",),
    "input_of_other_shape": ("ncompatible with the layer", "nvalid input shape"),
    "no_symbols": ("must be KerasTensors", "Only input tensors may"),
    "symbol_as_key": ("outputs={<KerasTensor", "outputs={KerasTensor"),
    "symbol_into_tensorflow": ("TensorFlow function", "KerasTensor is symbolic"),
    "not_connected": ("not connected",),
    "no_layer": ("Only instances of `keras.Layer` can",),
    "trainable_no_bool": ("Expected `trainable` to be a bool",),
    "layer_gets_none": ("Got 'None'",),
    "merges_no_list": ("merge layer should be called on a list",),
    "no_shape_inferred": ("automatically infer",),
}

#: Operators and functions that work element by element, and those that multiply matrices.
ELEMENTWISE = {
    *("Add", "Sub", "Mult", "Div", "FloorDiv", "Mod", "Pow", "BitAnd", "BitOr", "BitXor"),
    *("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"),
    *("add", "subtract", "multiply", "divide", "maximum", "minimum", "squared_difference"),
}
PRODUCTS = {"MatMult", "matmul", "matvec", "dot", "tensordot"}
ASSIGNING = {"assign", "assign_add", "assign_sub"}
JOINING = {"concat", "concatenate"}
SCATTERING = {"tensor_scatter_nd_update", "tensor_scatter_nd_add"}
REDUCING = {f"reduce_{name}" for name in ("sum", "mean", "max", "min", "prod", "std", "variance")}
CONVERSIONS = {"int", "float", "bool"}
TENSOR = (tf.Tensor, tf.Variable, keras.Variable)
VARIABLE = (tf.Variable, keras.Variable)


class Failure:
    """What failed in a learner's code, at the last line of it that an error came through."""

    def __init__(self, error: BaseException) -> None:
        self.error, steps, place = _last_of_the_learner(error)
        self.message = str(self.error)
        self._frame = steps[place].tb_frame if steps else None
        #: the failing part of the learner's line, or of the check's that has called it; None where it can't be told
        self.node = _node_at(steps[place]) if steps else None
        #: the object whose method has raised the error; None if it was a function
        self.owner = steps[-1].tb_frame.f_locals.get("self") if steps else None
        #: what took part, by position, with the object first where a method was called, and by name
        self.given = self._given(steps[place + 1 :])

    def _given(self, below: list[TracebackType]) -> dict[int | str, Any]:
        for step in below:
            if "autograph" not in step.tb_frame.f_code.co_filename:
                return _arguments_of(step.tb_frame)
        given: dict[int | str, Any] = {}
        for place, operand in enumerate(self._operands()):  # of what is not written in Python
            with contextlib.suppress(Exception):
                given[place] = self._value(operand)
        return given

    def _operands(self) -> list[ast.expr]:
        match self.node:
            case ast.BinOp(left=left, right=right):
                return [left, right]
            case ast.Compare(left=left, comparators=others):
                return [left, *others]
            case ast.AugAssign(target=target, value=value):
                return [target, value]
            case ast.Subscript(value=value, slice=index):
                return [value, index]
            case ast.Call(func=ast.Attribute(value=value), args=arguments) if inspect.ismethod(
                self.called
            ):
                return [value, *arguments]
            case ast.Call(args=arguments):
                return arguments
        return []

    def _value(self, node: ast.AST) -> Any:
        """The value of an expression that can be read without computing anything.

        Raises:
            Exception: it can't, or what is read refuses.
        """
        assert self._frame
        match node:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                scopes = self._frame.f_locals, self._frame.f_globals, vars(builtins)
                return next(scope[name] for scope in scopes if name in scope)
            case ast.Attribute(value, name):
                return getattr(self._value(value), name)
            case ast.Subscript(value, index):
                return self._value(value)[self._value(index)]
            case ast.UnaryOp(ast.USub(), operand):
                return -self._value(operand)
            case ast.List(entries) | ast.Tuple(entries):
                return [self._value(each) for each in entries]
        raise LookupError(ast.dump(node))

    @property
    def what(self) -> str:
        """The name of the function or method that was called, or of the operator's class in `ast`; "" for all else."""
        match self.node:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
                return name
            case ast.BinOp(op=operator) | ast.AugAssign(op=operator) | ast.Compare(ops=[operator]):
                return type(operator).__name__
        return ""

    @property
    def called(self) -> Any:
        """What was called, which may be no function; `...` where it can't be told."""
        if isinstance(self.node, ast.Call):
            with contextlib.suppress(Exception):
                return self._value(self.node.func)
        return ...

    @property
    def positional(self) -> list[Any]:
        return [value for place, value in self.given.items() if isinstance(place, int)]

    @property
    def shapes(self) -> list[tuple[Any, ...]]:
        """Of what took part by position and has one."""
        shapes = []
        for value in self.positional:
            with contextlib.suppress(Unknown):
                shapes.append(_shape(value))
        return shapes

    @property
    def dtypes(self) -> list[str]:
        """Of tensors, variables and arrays that took part by position."""
        return [_dtype(each) for each in self.positional if isinstance(each, (*TENSOR, np.ndarray))]

    @property
    def operands(self) -> tuple[Any, Any]:
        """The first two things that took part.

        Raises:
            Unknown: one of them is not known.
        """
        if not {0, 1} <= self.given.keys():
            raise Unknown
        return self.given[0], self.given[1]

    def argument(self, name: str, place: int) -> Any:
        """What was given by a name or at a place; None if nothing was."""
        return self.given.get(name, self.given.get(place))

    def lacks(self, *names: str, of: type | ModuleType | tuple[type, ...] = object) -> bool:
        """Whether an attribute is missing.

        Args:
            names: it is one of these; any, if none are given.
            of: it was looked up in an object of this type, or in this package or a module of it.
        """
        if not isinstance(self.error, AttributeError) or self.error.name is None:
            return False
        place = self.error.obj
        if isinstance(of, ModuleType):
            fits = isinstance(place, ModuleType) and place.__name__.split(".")[0] == of.__name__
        else:
            fits = isinstance(place, of)
        return fits and (not names or self.error.name in names)

    def is_a(self, kind: str) -> bool:
        """Whether it is of a kind that has wordings or a test.

        Raises:
            KeyError: there is no such kind.
        """
        if kind in TESTS:
            with contextlib.suppress(Unknown):
                return TESTS[kind](self)
        wordings = WORDINGS.get(kind, ()) if kind in TESTS else WORDINGS[kind]
        return any(wording in self.message for wording in wordings)


class Unknown(Exception):
    """What took part in an error does not tell its kind."""


def _last_of_the_learner(error: BaseException) -> tuple[BaseException, list[TracebackType], int]:
    """The error itself, the steps of its traceback, and which of them is the last in the learner's code.

    AutoGraph and Keras raise copies of errors, with more words. Where none of the learner's code is in a traceback, the
    last step of the check counts, which has called what failed.
    """
    copies = [error]
    while (original := copies[0].__context__) and (
        isinstance(error, type(original)) and str(original) and str(original) in str(error)
    ):
        copies.insert(0, original)
    for is_whose in (_is_learners, _is_ours):
        for copy in copies:
            steps = list(_steps(copy.__traceback__))
            for place in reversed(range(len(steps))):
                if is_whose(steps[place].tb_frame.f_code.co_filename):
                    return copies[0], steps, place
    return copies[0], [], 0  # it was not raised, but returned by the check


def _steps(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback:
        yield traceback
        traceback = traceback.tb_next


def _is_learners(path: str) -> bool:
    """Whether a file holds a learner's code, or what AutoGraph has made of it."""
    return not path.startswith((SUPPORT, sys.prefix, sys.base_prefix, "<frozen", "<string>"))


def _is_ours(path: str) -> bool:
    return path.startswith(SUPPORT)


def _node_at(step: TracebackType) -> ast.AST | None:
    """The part of the code at which a step of a traceback stands."""
    code = step.tb_frame.f_code
    place = list(code.co_positions())[step.tb_lasti // 2]
    text = "".join(linecache.getlines(code.co_filename, step.tb_frame.f_globals))
    with contextlib.suppress(SyntaxError):
        found = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.stmt | ast.expr)
            and (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset) == place
        ]
        if found:
            return _AsWritten().visit(found[-1])  # of a statement and an expression, the latter
    return None


class _AsWritten(ast.NodeTransformer):
    """Makes of AutoGraph's code what it was made of: `f(x)` of `ag__.converted_call(ag__.ld(f), (ag__.ld(x),), …)`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(ast.Name("ag__"), "ld"), args=[name]):
                return name
            case ast.Call(
                func=ast.Attribute(ast.Name("ag__"), "converted_call"),
                args=[function, ast.Tuple(arguments), *_],
            ):
                return ast.Call(function, arguments, [])
        return node


def _arguments_of(frame: FrameType) -> dict[int | str, Any]:
    """What a function was given, by position and by name."""
    names, rest, keywords, values = inspect.getargvalues(frame)
    named = {name: values[name] for name in names if name in values}
    return {
        **dict(enumerate([*named.values(), *values.get(rest or "", ())])),
        **named,
        **values.get(keywords or "", {}),
    }


def fails_as(*kinds: str) -> Callable[[Any], bool]:
    """What sees a mistake: the attempt's error is of one of these kinds."""
    return lambda attempt: attempt.fails_as(*kinds)


def lacks(*names: str, of: Any = object) -> Callable[[Any], bool]:
    """What sees a mistake: an attribute is missing, as `Failure.lacks` has it."""
    return lambda attempt: attempt.lacks(*names, of=of)


# What took part


def _shape(value: Any) -> tuple[Any, ...]:
    """The shape of a tensor, variable, symbol, array, number, or list of these.

    Raises:
        Unknown: it has none, or one of an unknown rank.
    """
    if isinstance(value, list | tuple) and not isinstance(value, tf.TensorShape):
        shapes = {_shape(each) for each in value}
        if len(shapes) == 1:
            return (len(value), *shapes.pop())
    if isinstance(value, numbers.Number):
        return ()
    try:
        return tuple(value.shape)
    except (AttributeError, TypeError, ValueError):
        raise Unknown from None


def _rank(value: Any) -> int:
    return len(_shape(value))


def _dtype(value: Any) -> str:
    """The name of the dtype of a tensor, a variable or an array."""
    return getattr(value.dtype, "name", value.dtype)  # Keras has it as text


def _whole(value: Any) -> int:
    """A whole number, also that of a tensor.

    Raises:
        Unknown: it is anything else.
    """
    if isinstance(value, tf.Tensor) and value.dtype.is_integer and hasattr(value, "numpy"):
        value = value.numpy()
    if not isinstance(value, int | np.integer):
        raise Unknown
    return int(value)


def _list_of(value: Any) -> list[Any] | tuple[Any, ...]:
    """Pieces that are to be put together.

    Raises:
        Unknown: it is no list of them.
    """
    if not isinstance(value, list | tuple):
        raise Unknown
    return value


def _flat(value: Any) -> list[Any]:
    """What stands in lists and dicts, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    return (
        [each for part in value for each in _flat(part)]
        if type(value) in (list, tuple)
        else [value]
    )


# Tests of kinds: what took part says yes or no, or raises `Unknown`

Test = Callable[[Failure], bool]


def _after(names: set[str], test: Test) -> Test:
    """A test for which only what comes of these operations or functions tells."""

    def asked(failure: Failure) -> bool:
        if failure.what not in names:
            raise Unknown
        return test(failure)

    return asked


def _refuses_values(failure: Failure) -> bool:
    """Whether the error is of a type that operations have for shapes and dtypes."""
    return isinstance(failure.error, ValueError | TypeError | tf.errors.InvalidArgumentError)


def _matmul_rank(failure: Failure) -> bool:
    least = 2 if any(isinstance(each, TENSOR) for each in failure.operands) else 1
    return min(map(_rank, failure.operands)) < least


def _matmul_sizes(failure: Failure) -> bool:
    other = _matmul_rank(failure) or _dtypes_differ(failure) or isinstance(failure.error, TypeError)
    return _refuses_values(failure) and not other


def _not_broadcastable(failure: Failure) -> bool:
    one, other = map(_shape, failure.operands)
    pairs = zip(reversed(one), reversed(other), strict=False)
    fits = all(a == b or {a, b} & {1, None} for a, b in pairs)
    return _refuses_values(failure) and not fits and not _dtypes_differ(failure)


def _dtypes_differ(failure: Failure) -> bool:
    operands = failure.argument("values", 0) if failure.what in JOINING else failure.operands
    # Operators and `assign` convert arrays to the dtype of the tensor; functions take them as they are.
    by_function = isinstance(failure.node, ast.Call) and failure.what not in ASSIGNING
    with_dtypes = (*TENSOR, np.ndarray) if by_function else TENSOR
    dtypes = {_dtype(each) for each in _flat(operands) if isinstance(each, with_dtypes)}
    return _refuses_values(failure) and len(dtypes) > 1


def _assigned_shape(failure: Failure) -> bool:
    variable, value = failure.operands
    if not isinstance(variable, VARIABLE):  # a slice of one, into which a number can be spread
        raise Unknown
    return _shape(variable) != _shape(value)


def _reshaped_size(failure: Failure) -> bool:
    tensor, lengths = failure.operands
    sizes = (
        _shape(tensor),
        [*map(_whole, lengths if isinstance(lengths, list | tuple) else [lengths])],
    )
    if None in sizes[0]:
        raise Unknown
    count, asked = math.prod(sizes[0]), math.prod(each for each in sizes[1] if each != -1)
    return bool(count % asked) if -1 in sizes[1] else count != asked


def _joined_ranks(failure: Failure) -> bool:
    ranks = {_rank(each) for each in _list_of(failure.argument("values", 0))}
    return len(ranks) > 1 or ranks == {0}


def _no_such_index(failure: Failure) -> bool:
    if isinstance(failure.error, IndexError):
        return not isinstance(failure.error, np.exceptions.AxisError)
    tensor, index = failure.operands
    if failure.what in SCATTERING:
        return any(
            not 0 <= place < size
            for position in _list_of(index)
            for place, size in zip(map(_whole, _list_of(position)), _shape(tensor), strict=False)
        )
    if isinstance(failure.node, ast.Subscript):
        places = map(_whole, index if isinstance(index, list | tuple) else [index])
        return any(not -n <= place < n for place, n in zip(places, _shape(tensor), strict=False))
    raise Unknown


def _no_such_axis(failure: Failure) -> bool:
    if isinstance(failure.error, np.exceptions.AxisError):
        return True
    first = failure.given.get(0)
    if isinstance(failure.node, ast.Subscript):
        index = failure.operands[1]
        return (len(index) if isinstance(index, list | tuple) else 1) > _rank(first) > 0
    if failure.what not in JOINING | REDUCING | {"roll"}:
        raise Unknown
    axis = _whole(failure.argument("axis", 2 if failure.what == "roll" else 1))
    rank = max(map(_rank, _list_of(first))) if failure.what in JOINING else _rank(first)
    return not -rank <= axis < rank


def _no_axis(failure: Failure) -> bool:
    if not isinstance(failure.node, ast.Subscript) and failure.what != "len":
        raise Unknown
    return _rank(failure.given.get(0)) == 0


def _bool_operand(failure: Failure) -> bool:
    if failure.what in CONVERSIONS:
        return False
    if any(isinstance(each, TENSOR) and each.dtype == "bool" for each in failure.positional[:2]):
        return True
    raise Unknown


def _axis_no_integer(failure: Failure) -> bool:
    axis = failure.argument("axis", 1)
    return isinstance(axis, TENSOR) and not axis.dtype.is_integer


def _float_as_integer(failure: Failure) -> bool:
    dtype = failure.argument("dtype", 1)
    named = isinstance(dtype, str | tf.DType | type | np.dtype)
    return isinstance(failure.error, TypeError) and named and tf.as_dtype(dtype).is_integer


def _method_not_called(failure: Failure) -> bool:
    if any(map(inspect.ismethod, failure.positional)):
        return True
    raise Unknown


def _none_operand(failure: Failure) -> bool:
    if not isinstance(failure.node, ast.BinOp | ast.AugAssign | ast.Compare):
        raise Unknown
    return any(each is None for each in failure.operands)


def _item_assignment(failure: Failure) -> bool:
    stores = isinstance(failure.node, ast.Subscript) and not isinstance(failure.node.ctx, ast.Load)
    allows = isinstance(failure.given.get(0), np.ndarray | list | dict)
    return stores and isinstance(failure.error, TypeError) and not allows


def _no_setter(failure: Failure) -> bool:
    stores = isinstance(failure.node, ast.Attribute) and isinstance(failure.node.ctx, ast.Store)
    return stores and isinstance(failure.error, AttributeError)


def _asked_of_a_tape(failure: Failure) -> list[Any]:
    """What a tape is to watch, or the target of a gradient, and after it its sources."""
    match failure.what:
        case "gradient" if len(failure.given) > 2:
            return [failure.argument("target", 1), failure.argument("sources", 2)]
        case "watch":
            return [failure.argument("tensor", 1)]
    return []


def _layer_for_symbol(failure: Failure) -> bool:
    refused = isinstance(failure.error, ValueError) and failure.what not in ("Sequential", "add")
    given = _flat(failure.positional[1:])
    return refused and any(isinstance(each, keras.Layer) for each in given)


def _symbol_as_key(failure: Failure) -> bool:
    outputs = failure.argument("outputs", 2)
    if not isinstance(outputs, dict | set):
        raise Unknown
    return any(isinstance(each, keras.KerasTensor) for each in outputs)


def _input_of_other_width(failure: Failure) -> bool:
    model, inputs = failure.operands
    if not isinstance(model, keras.Model):
        raise Unknown
    try:
        own, shape = tuple(model.input_shape), _shape(inputs)
    except (AttributeError, TypeError):  # it has several inputs, or has not been built
        raise Unknown from None
    return len(own) == len(shape) and own[-1] not in (None, shape[-1])


TESTS: dict[str, Test] = {
    "matmul_rank": _after(PRODUCTS, _matmul_rank),
    "matmul_sizes": _after(PRODUCTS, _matmul_sizes),
    "not_broadcastable": _after(ELEMENTWISE, _not_broadcastable),
    "assigned_shape": _after(ASSIGNING, _assigned_shape),
    "reshaped_size": _after({"reshape"}, _reshaped_size),
    "stacked_shapes": _after(
        {"stack"},
        lambda failure: len({*map(_shape, _list_of(failure.argument("values", 0)))}) > 1,
    ),
    "joined_ranks": _after(JOINING, _joined_ranks),
    "joined_along_no_axis": _after(
        JOINING, lambda failure: not isinstance(failure.argument("axis", 1), int | np.integer)
    ),
    "scattered_shapes": _after(SCATTERING, lambda failure: not failure.is_a("no_such_index")),
    "no_such_index": _no_such_index,
    "no_such_axis": _no_such_axis,
    "no_axis": _no_axis,  # of a single number
    "several_numbers": _after(CONVERSIONS, lambda failure: _rank(failure.given.get(0)) > 0),
    "dtypes_differ": _after(ELEMENTWISE | PRODUCTS | ASSIGNING | JOINING, _dtypes_differ),
    "bool_operand": _bool_operand,
    "bits_of_floats": _after(
        {"BitXor", "BitAnd", "BitOr"},
        lambda failure: any(
            isinstance(each, TENSOR) and each.dtype.is_floating for each in failure.operands
        ),
    ),
    "axis_no_integer": _after(REDUCING, _axis_no_integer),
    "float_as_integer": _after({"constant", "convert_to_tensor"}, _float_as_integer),
    "variable_in_place": lambda failure: (
        isinstance(failure.node, ast.AugAssign) and isinstance(failure.given.get(0), VARIABLE)
    ),
    "item_assignment": _item_assignment,
    "read_only": lambda failure: (
        isinstance(failure.node, ast.Subscript)
        and isinstance(failure.given.get(0), np.ndarray)
        and not failure.given[0].flags.writeable
    ),
    "no_setter": _no_setter,
    "method_not_called": _method_not_called,
    "tape_is_spent": lambda failure: (
        isinstance(failure.error, RuntimeError)
        and isinstance(failure.given.get(0), tf.GradientTape)
    ),
    "gradient_without_source": _after({"gradient"}, lambda failure: len(failure.given) < 3),
    "gradient_of_function": _after(
        {"gradient"}, lambda failure: inspect.isroutine(failure.argument("target", 1))
    ),
    "watches_function": _after(
        {"watch"}, lambda failure: inspect.isroutine(failure.argument("tensor", 1))
    ),
    "tape_gets_none": lambda failure: any(each is None for each in _asked_of_a_tape(failure)),
    "tape_gets_number": lambda failure: any(
        isinstance(each, numbers.Number | np.ndarray) for each in _flat(_asked_of_a_tape(failure))
    ),
    "none_operand": _none_operand,
    "calls_none": lambda failure: failure.called is None,
    "calls_text": lambda failure: isinstance(failure.called, str),
    "calls_bool": lambda failure: isinstance(failure.called, bool),
    "model_without_call": lambda failure: (
        isinstance(failure.error, NotImplementedError) and type(failure.owner) is not keras.Model
    ),
    "model_of_nothing": lambda failure: (
        isinstance(failure.error, NotImplementedError) and type(failure.owner) is keras.Model
    ),
    "super_init_arguments": lambda failure: (
        failure.what == "__init__" and isinstance(failure.error, TypeError | ValueError)
    ),
    "optimizer_class": _after(
        {"compile"}, lambda failure: isinstance(failure.argument("optimizer", 1), type)
    ),
    "layers_without_list": lambda failure: (
        failure.what == "Sequential"
        and not isinstance(failure.argument("layers", 1), list | tuple | NoneType)
    ),
    "layer_for_symbol": _layer_for_symbol,
    "symbol_as_key": _after({"Model"}, _symbol_as_key),
    "input_of_other_width": _input_of_other_width,
}
