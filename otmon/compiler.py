"""What Numba makes of kernels, with less of it: compiling is what a first start waits for.

Numba compiles any Python function over objects that are counted, views of arrays and exceptions. Kernels have
integers, arrays that live longer than a call, and no exception. What is said here to Numba holds for them
alone; it is said with the means of numba.extending where these reach, else by replacing the function named.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, cast

import numba
from numba import types
from numba.core import base, cgutils, imputils, lowering, typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.types.functions import BaseFunction
from numba.cpython import numbers
from numba.extending import lower_builtin, lower_getattr_generic
from numba.np import arrayobj

_Function = TypeVar("_Function", bound=Callable[..., Any])

_find_signature = BaseFunction.get_call_type
_signatures: Final[dict[tuple[Any, ...], Any]] = {}


def _signature(function: Any, context: object, args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
    """For each place where an operator stands, Numba asks all of its implementations, a dozen, whether they
    take operands of these types: a third of the time that compiling took. What is built in always gives the
    same signature for the same types."""
    key = (context, function, args)
    found = None if kws else _signatures.get(key)
    if found is None:
        found = _find_signature(function, context, args, kws)
        if not kws and found is not None and function.get_impl_key(found) is function.typing_key:
            _signatures[key] = found
    return found


BaseFunction.get_call_type = _signature  # type: ignore[method-assign, assignment]


def _promises(kind: object) -> list[str]:
    """None. Numba promises LLVM that no signed sum, difference or product overflows, and what does is then
    anything: the same hash was one number in one kernel and another one in the next. Here they wrap."""
    return []


numbers._int_arith_flags = _promises


def _is_plain(kind: Any, index_kinds: tuple[Any, ...]) -> bool:
    """Whether indices name one number of an array whose rows follow each other without a gap."""
    return (
        kind.layout == "C"
        and kind.ndim == len(index_kinds)
        and isinstance(kind.dtype, types.Number)
        and all(isinstance(one, types.Integer) for one in index_kinds)
    )


def _place(context: Any, builder: Any, kind: Any, array: Any, indices: list[Any]) -> Any:
    """Where an element is, by indices that are words. None is below 0, which Numba would have count from the
    end."""
    field = context.data_model_manager[kind].get_field_position
    place = indices[0]
    for dimension, index in enumerate(indices[1:], 1):
        if isinstance(kind, types.NestedArray):
            size = context.get_constant(types.intp, kind.shape[dimension])
        else:
            size = builder.extract_value(array, [field("shape"), dimension])
        place = builder.add(builder.mul(place, size), index)
    return builder.gep(builder.extract_value(array, field("data")), [place])


def _words(context: Any, builder: Any, kind: Any, index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """The types of what is between the brackets, and each as a word."""
    if not isinstance(kind, types.BaseTuple):
        kind, each = (kind,), [index]
    else:
        kind, each = tuple(kind.types), cgutils.unpack_tuple(builder, index, count=len(kind))
    if all(isinstance(one, types.Integer) for one in kind):
        each = [context.cast(builder, one, own, types.intp) for one, own in zip(each, kind, strict=True)]
    return kind, each


@lower_builtin(operator.getitem, types.Array, types.Integer)  # type: ignore[untyped-decorator]
@lower_builtin(operator.getitem, types.Array, types.BaseTuple)  # type: ignore[untyped-decorator]
def _get_element(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """``array[i]`` and ``array[i, j]``. Numba makes a view, for which it copies all that describes the array:
    sixty instructions that have to be read and thrown away where ten do."""
    kind, index = signature.args
    kinds, words = _words(context, builder, index, args[1])
    if _is_plain(kind, kinds):
        return arrayobj.load_item(context, builder, kind, _place(context, builder, kind, args[0], words))
    several = isinstance(index, types.BaseTuple)
    view = arrayobj.getitem_array_tuple if several else arrayobj.getitem_arraynd_intp
    return view(context, builder, signature, args)


@lower_builtin(operator.setitem, types.Array, types.Integer, types.Number)  # type: ignore[untyped-decorator]
@lower_builtin(operator.setitem, types.Array, types.BaseTuple, types.Number)  # type: ignore[untyped-decorator]
def _set_element(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """``array[i] = value`` and ``array[i, j] = value``"""
    kind, index, own = signature.args
    kinds, words = _words(context, builder, index, args[1])
    if not _is_plain(kind, kinds):
        return arrayobj.setitem_array(context, builder, signature, args)
    value = context.cast(builder, args[2], own, kind.dtype)
    arrayobj.store_item(context, builder, kind, value, _place(context, builder, kind, args[0], words))
    return context.get_dummy_value()


@lower_getattr_generic(types.Record)  # type: ignore[untyped-decorator]
def _get_field(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    """A field of a record. Of an array in it all is known but where the record is."""
    field = kind.typeof(name)
    if not isinstance(field, types.NestedArray):
        return arrayobj.record_getattr(context, builder, kind, value, name)
    model = context.data_model_manager[field]
    known = {"nitems": field.nitems, "itemsize": field.size, "shape": field.shape, "strides": field.strides}
    own = model.get_value_type()
    described = own(
        [_constant(each, known.get(at)) for each, at in zip(own.elements, model._fields, strict=True)]
    )
    data = cgutils.get_record_member(builder, value, kind.offset(name), context.get_data_type(field.dtype))
    return builder.insert_value(described, data, model.get_field_position("data"))


def _constant(kind: Any, value: int | tuple[int, ...] | None) -> Any:
    return kind([kind.element(one) for one in value] if isinstance(value, tuple) else value)


def _user_function(descriptor: Any, libraries: Iterable[Any] = ()) -> Any:
    """A call of a kernel. Numba looks after each call whether it raised, and leaves if so; no kernel does."""
    if not descriptor.modname.startswith("otmon."):
        return imputils.user_function(descriptor, libraries)

    def call(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        conventions = context.call_conv
        result = conventions.get_return_type(descriptor.restype).pointee
        with builder.goto_entry_block():
            place = builder.alloca(result)
        packed = conventions._get_arg_packer(descriptor.argtypes).as_arguments(builder, args)
        # What tells of exceptions goes on to who is called: it is not used.
        told = builder.function.args[1]
        builder.call(context.declare_function(builder.module, descriptor), [place, told, *packed])
        return context.get_returned_value(builder, descriptor.restype, builder.load(place))

    call.signature = descriptor.argtypes  # type: ignore[attr-defined]
    call.libs = tuple(libraries)  # type: ignore[attr-defined]
    return call


base.user_function = _user_function


class _Lowering(lowering.Lower):  # type: ignore[misc]
    """Variables without what Numba does for objects that are counted: it fills each with zeros at the
    beginning and at the end, and looks at the old value before a new one is stored."""

    def alloca_lltype(self, name: str, kind: Any, datamodel: object = None) -> Any:
        with self.builder.goto_entry_block():
            return self.builder.alloca(kind, name=name)

    def storevar(self, value: Any, name: str, argidx: int | None = None) -> None:
        self._alloca_var(name, self.typeof(name))
        if name in self._singly_assigned_vars:
            self._blk_local_varmap[name] = value
        else:
            self.builder.store(value, self.getvar(name))

    def delvar(self, name: str) -> None:
        if name not in self._blk_local_varmap:
            self._singly_assigned_vars.discard(name)


@register_pass(mutates_CFG=True, analysis_only=False)
class _NativeLowering(typed_passes.BaseNativeLowering):  # type: ignore[misc]
    _name = "kernel_lowering"

    @property
    def lowering_class(self) -> Any:
        return _Lowering


class _Part(JITCodeLibrary):  # type: ignore[misc]
    """The code of a kernel as others take it in. Numba would optimise it in full and make machine code of it
    for itself as well: half of the time that compiling took. Those that take it in do both."""

    def _optimize_final_module(self) -> None:
        """Enough that it can be put into its callers."""
        passes, builder = self._codegen._module_pass_manager(
            loop_vectorize=False, slp_vectorize=False, opt=self._codegen._opt_level, cost="cheap"
        )
        passes.run(self._final_module, builder)

    def _finalize_final_module(self) -> None:
        self._finalized = True

    @property
    def codegen(self) -> _Part:
        return self

    def set_env(self, name: str, environment: object) -> None:
        """What only functions that raise with values, or print, look at; kernels do neither."""


_PASSES: Final = (
    untyped_passes.TranslateByteCode,
    untyped_passes.FixupArgs,
    untyped_passes.IRProcessing,
    untyped_passes.GenericRewrites,
    untyped_passes.ReconstructSSA,
    typed_passes.NopythonTypeInference,
    typed_passes.PreLowerStripPhis,
    typed_passes.IRLegalization,
    _NativeLowering,
    typed_passes.NoPythonBackend,
)
"""Of Numba's passes over a function those that kernels need. The others serve closures, comprehensions and
expressions of whole arrays: a kernel that has one does not compile. They took a tenth of the time."""


class _KernelCompiler(CompilerBase):  # type: ignore[misc]
    def define_pipelines(self) -> Any:
        passes = PassManager("kernel")
        for each in _PASSES:
            passes.add_pass(each, each.__name__)
        passes.finalize()
        return [passes]


class _PartCompiler(_KernelCompiler):
    def define_pipelines(self) -> Any:
        self.state.library = _Part(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        return super().define_pipelines()


def compiled(function: _Function, inline: bool) -> _Function:
    """Numba would compile it anew for each constant that a caller passes: a call with ``0`` is one of
    another type than a call with a variable. Here both are integers, which halves the time of
    compilation. Its arrays live longer than a call does, so that nobody counts who refers to them.
    """
    options = {"nogil": True, "error_model": "numpy", "forceinline": inline, "_nrt": False}
    whole: Any = numba.njit(cache=True, pipeline_class=_KernelCompiler, **options)(function)
    if hasattr(whole, "get_call_template"):
        inner: Any = numba.njit(
            pipeline_class=_PartCompiler, no_cpython_wrapper=True, no_cfunc_wrapper=True, **options
        )(function)
        template = functools.cache(inner.get_call_template)

        def call_template(args: Iterable[Any], names: dict[str, Any]) -> Any:
            return template(tuple(types.unliteral(arg) for arg in args), tuple(names.items()))

        whole.get_call_template = call_template
        whole.get_overload = functools.cache(inner.get_overload)
    return cast(_Function, whole)
