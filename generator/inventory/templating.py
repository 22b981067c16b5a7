"""Resolves the templates in one host's variables, lazily (design section 2).

As in Ansible, a value that is one expression keeps the expression's type, other templates give text, the
result of a lookup is never a template again, and what nothing uses is not resolved. Besides variables
there are `lookup('env', NAME)`, `lookup('file', PATH)`, Jinja's own filters and tests, and nothing else.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError

from generator.documents.nearest import suggestion
from generator.documents.wording import shown
from generator.documents.yaml import Vaulted
from generator.errors import DocumentError
from generator.inventory.lookups import LookupFailedError, Lookups
from generator.inventory.sandbox import Missing, MissingError, compiled
from generator.inventory.variables import Variable
from generator.inventory.vault import VaultError

MAX_CHAIN = 30
"""How many variables may stand for one another in a row."""

MAX_DEPTH = 60
"""How deep the value of a variable may be nested."""

CREDENTIALS = "credentials"
"""The variable of whose content nothing is ever told."""

_MARKS = re.compile(r"\{\{|\{%|\{#")
_FAILURES = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    MemoryError,
)
_QUOTING = (TemplateError, TypeError)
"""Failures whose text speaks of types and names, not of values."""

_HELPERS: Mapping[str, Any] = {"range": range, "dict": dict}

_Link = tuple[str, tuple[Any, ...]]
"""A template: the variable it stands in, and the path to it from there."""


def is_template(value: Any) -> bool:
    """Whether `value` is text that stands for another: Jinja2 has to read it, or Ansible Vault encrypted it."""
    return isinstance(value, Vaulted) or (isinstance(value, str) and _MARKS.search(value) is not None)


def template_names(value: Any) -> Iterator[str]:
    """The variables that the templates in `value`, however deep, name; broken templates name none."""
    if isinstance(value, dict):
        for part in value.values():
            yield from template_names(part)
    elif isinstance(value, list):
        for part in value:
            yield from template_names(part)
    elif is_template(value) and not isinstance(value, Vaulted):
        try:
            yield from compiled(value).names
        except TemplateSyntaxError:
            return


class Resolver:
    """The templates of one host. `resolve` gives plain data, or raises `DocumentError` with one problem."""

    def __init__(
        self, host: str, *, variables: Mapping[str, Variable], magic: Mapping[str, Any], lookups: Lookups
    ) -> None:
        self._host, self.variables = host, variables
        self._lookups = lookups
        self.magic: dict[str, Any] = {**magic, "lookup": lookups}
        self._root: _Link = ("", ())
        self._chain: list[_Link] = []

    def resolve(self, name: str, below: tuple[Any, ...] = ()) -> Any:
        """The value of the variable `name`, or of the part of it that `below` leads to, without templates."""
        value = self.variables[name].value
        for part in below:
            value = value[part]
        self._root = (name, below)
        return self._plain(self.value(value, self._root), self._root)

    def value(self, raw: Any, link: _Link) -> Any:
        """`raw`, which stands at `link`, for use in a template: mappings resolve their parts when asked."""
        if isinstance(raw, dict):
            return _Lazy(self, raw, link)
        if isinstance(raw, list):
            return [self.value(part, _below(link, index)) for index, part in enumerate(raw)]
        if isinstance(raw, Vaulted):
            raw = self._decrypted(raw, link)
        return self._evaluate(raw, link) if is_template(raw) else raw

    def _decrypted(self, text: Vaulted, link: _Link) -> str:
        """What Ansible Vault encrypted: a secret, so never for a setting that is told openly."""
        if self._root[0] != CREDENTIALS:
            what = "what Ansible Vault encrypted here cannot stand in a setting other than credentials"
            raise self._failure(what, link, "other settings are no secrets: write it as it is")
        try:
            return self._lookups.vault.decrypt(text)
        except VaultError as error:
            raise self._failure(error.what, link, error.fix) from None

    def guard(self, name: str) -> None:
        """Raise `LookupFailedError` where a setting that is told openly would stand for a credential."""
        if name == CREDENTIALS and self._root[0] != CREDENTIALS:
            what = f"{CREDENTIALS} cannot stand in another setting"
            raise LookupFailedError(what, name=name, fix="take it out: other settings are no secrets")

    def _evaluate(self, text: str, link: _Link) -> Any:
        if link in self._chain or len(self._chain) >= MAX_CHAIN:
            names = " → ".join(_dotted(each) for each in (*self._chain, link))
            raise self._failure(f"these variables stand for one another: {names}", link, "give one a value")
        self._chain.append(link)
        try:
            value = compiled(text).run(_Names(self))
        except MissingError as error:
            raise self._missing(error.value, link, text) from None
        except LookupFailedError as failure:
            raise self._lookup_failure(failure, link, text) from None
        except TemplateSyntaxError as error:
            fix = "text with {{ or {% that is no template stands between {% raw %} and {% endraw %}"
            raise self._failure(f"not a valid template{self._why(error, link)}", link, fix) from None
        except _FAILURES as error:
            raise self._failure(f"the template cannot be worked out{self._why(error, link)}", link) from None
        finally:
            self._chain.pop()
        if isinstance(value, Missing):
            value.origin = value.origin or link
        return value

    def _plain(self, value: Any, link: _Link) -> Any:
        """`value` as dicts, lists and scalars, every lazy part resolved."""
        if len(link[1]) > MAX_DEPTH:
            raise self._failure("the variables that this stands for have no end", self._root)
        if isinstance(value, Missing):
            raise self._missing(value, link, self._written(value.origin or link))
        if isinstance(value, str):
            return str(value)
        if value is None or isinstance(value, bool | int | float | dt.date):
            return value
        if isinstance(value, Mapping):
            return {key: self._plain(value[key], _below(link, key)) for key in value}
        if isinstance(value, list | tuple | set | range | Iterator):
            return [self._plain(part, _below(link, index)) for index, part in enumerate(self._list(value, link))]
        raise self._failure(f"the template gives a {type(value).__name__}, which is no value", link)

    def _list(self, value: Any, link: _Link) -> list[Any]:
        """The parts of a sequence; filters give theirs only now."""
        try:
            return list(value)
        except MissingError as error:
            raise self._missing(error.value, link, "") from None
        except _FAILURES as error:
            raise self._failure(f"the template cannot be worked out{self._why(error, link)}", link) from None

    def _written(self, link: _Link) -> str:
        """The template at `link`, as it was written; empty where there is none."""
        raw: Any = self.variables[link[0]].value
        for part in link[1]:
            try:
                raw = raw[part]
            except _FAILURES:
                return ""
        return raw if isinstance(raw, str) else ""

    def _hidden(self, link: _Link) -> bool:
        return CREDENTIALS in (self._root[0], link[0])

    def _why(self, error: BaseException, link: _Link) -> str:
        if self._hidden(link) or not isinstance(error, _QUOTING):
            return f" ({type(error).__name__})"
        text = error.message if isinstance(error, TemplateError) else str(error)
        return f": {shown(text)[1:-1]}"

    def _lookup_failure(self, failure: LookupFailedError, link: _Link, text: str) -> DocumentError:
        if self._hidden(link) and failure.name not in text:
            return self._failure("a lookup for this credential found nothing", link)
        return self._failure(str(failure), link, failure.fix)

    def _missing(self, value: Missing, link: _Link, text: str) -> DocumentError:
        link = value.origin or link
        name = value.environment_variable
        if name is not None:
            what = f"the environment variable {name} is not set"
            return self._lookup_failure(LookupFailedError(what, name=name, fix=f"export {name}=..."), link, text)
        variable = value.variable()
        if variable is not None:
            near = suggestion(variable, [name for name in self.variables if name != link[0]])
            fix = near if near and near.startswith("did") else f"set {variable} in group_vars or host_vars"
            return self._failure(f"the variable {variable} is not defined", link, fix)
        if self._hidden(link) and value.part() not in text:
            return self._failure("a part of a variable is not defined", link)
        return self._failure(f"the variable has no part {shown(value.part())}", link)

    def _failure(self, what: str, link: _Link, fix: str | None = None) -> DocumentError:
        """A problem where the innermost template stands, under the key of the setting that needs it."""
        first = self._chain[0] if self._chain else link
        setting = first if first[0] == self._root[0] else self._root
        if link[0] != setting[0]:
            what += f" (in the variable {_dotted(link)})"
        problem = self.variables[link[0]].problem(what, link[1], host=self._host, key=_dotted(setting), fix=fix)
        return DocumentError([problem])


class _Lazy(Mapping[str, Any]):
    """A mapping of a variable whose values are resolved when a template takes them."""

    __slots__ = ("_data", "_link", "_resolver")

    def __init__(self, resolver: Resolver, data: dict[str, Any], link: _Link) -> None:
        self._resolver, self._data, self._link = resolver, data, link

    def __getitem__(self, key: str) -> Any:
        return self._resolver.value(self._data[key], _below(self._link, key))

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __str__(self) -> str:
        return str(dict(self))


class _Names(Mapping[str, Any]):
    """What a template can name: magic variables and `lookup`, the host's variables, and two helpers."""

    __slots__ = ("_resolver",)

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def __getitem__(self, key: str) -> Any:
        if key in self._resolver.magic:
            return self._resolver.magic[key]
        if key in self._resolver.variables:
            self._resolver.guard(key)
            return self._resolver.value(self._resolver.variables[key].value, (key, ()))
        return _HELPERS[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._resolver.variables, **self._resolver.magic, **_HELPERS})

    def __contains__(self, key: object) -> bool:
        return key in self._resolver.magic or key in self._resolver.variables or key in _HELPERS

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _below(link: _Link, key: Any) -> _Link:
    return (link[0], (*link[1], key))


def _dotted(link: _Link) -> str:
    return ".".join(str(part) for part in (link[0], *link[1]))
