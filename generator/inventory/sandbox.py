"""The Jinja2 of the inventory: sandboxed, without globals, with values that say how they are missing."""

from functools import cache, partial
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import consume, missing
from msgspec import Struct

_RESULT = "result"
_MAX_SIZE = 1_000_000
_MAX_EXPONENT = 64


class MissingError(Exception):
    """A template used a value that is not there; `value` says which."""

    def __init__(self, value: "Missing", message: str) -> None:
        super().__init__(message)
        self.value = value


class Missing(StrictUndefined):
    """A value that is not there: `default()` may stand in for it, any other use is a `MissingError`.

    `environment_variable` is the name of the one that is not set, where it is one. `origin` is where the
    template stands that gave it.
    """

    __slots__ = ("environment_variable", "origin")

    def __init__(self, *args: Any, environment_variable: str | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.environment_variable = environment_variable
        self.origin: tuple[str, tuple[Any, ...]] | None = None
        self._undefined_exception = partial(MissingError, self)  # type: ignore[assignment]

    def variable(self) -> str | None:
        """The name of the variable that is not defined; None where it is a part of one."""
        return self._undefined_name if self._undefined_obj is missing else None

    def part(self) -> str:
        """The attribute or element that a variable does not have."""
        return str(self._undefined_name)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 for templates of an inventory, without powers and repetitions that fill the memory."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The result of `left operator right`; raises `SecurityError` for one that would be too large."""
        if operator == "**" and abs(right) > _MAX_EXPONENT:
            raise SecurityError(f"a power of more than {_MAX_EXPONENT} is not allowed")
        if operator == "**" and isinstance(left, int) and left.bit_length() * abs(right) > _MAX_SIZE:
            raise SecurityError(f"a number of more than {_MAX_SIZE} bits is not allowed")
        sizes = [len(side) for side in (left, right) if hasattr(side, "__len__")]
        counts = [side for side in (left, right) if isinstance(side, int)]
        if sizes and counts and sizes[0] * counts[0] > _MAX_SIZE:
            raise SecurityError(f"a repetition of more than {_MAX_SIZE} is not allowed")
        return super().call_binop(context, operator, left, right)


def _text(value: Any) -> Any:
    """What `{{ value }}` adds to a text: nothing for null, as in Ansible."""
    return "" if value is None else value


_ENVIRONMENT = Sandbox(undefined=Missing, keep_trailing_newline=True, finalize=_text)
_ENVIRONMENT.globals.clear()


class Compiled(Struct, frozen=True, kw_only=True):
    """A template, the variables it names, and whether it is one expression, whose value is its result."""

    template: Template
    native: bool
    names: frozenset[str]

    def run(self, names: Any) -> Any:
        """Its result with `names`, a mapping that may work values out when asked for them."""
        context = _Context(_ENVIRONMENT, names, None, {})
        chunks = self.template.root_render_func(context)
        if self.native:
            consume(chunks)
            return context.vars[_RESULT]
        return "".join(chunks)


class _Context(Context):
    """Asks the mapping for each name at the moment of use."""

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        return self.parent.get(key, missing)


@cache
def compiled(text: str) -> Compiled:
    """`text` as a template; raises jinja2's `TemplateSyntaxError`."""
    try:
        tree = _ENVIRONMENT.parse(text)
        names = frozenset(find_undeclared_variables(tree))
        expression = _only_expression(tree)
        if expression is not None:
            assign = nodes.Assign(nodes.Name(_RESULT, "store", lineno=1), expression, lineno=1)
            tree = nodes.Template([assign], lineno=1)
        return Compiled(template=_ENVIRONMENT.from_string(tree), native=expression is not None, names=names)
    except (RecursionError, MemoryError, OverflowError):
        raise TemplateSyntaxError("it is nested too deeply", 1) from None


def _only_expression(tree: nodes.Template) -> nodes.Expr | None:
    body = tree.body
    if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
        return None
    expression = body[0].nodes[0]
    return None if isinstance(expression, nodes.TemplateData) else expression
