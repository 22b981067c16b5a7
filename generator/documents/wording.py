"""What a JSON Schema found wrong, in plain words with what to do about it."""

from typing import Any

import jsonschema_rs
from msgspec import Struct

from generator.documents.nearest import suggestion

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_SHOWN = 60


class Finding(Struct, frozen=True, kw_only=True):
    """One way in which data breaks its schema: `path` are keys and indexes from the root of the data.

    `of_key` says that the key at `path` is wrong rather than its value; `missing` is the key that the
    mapping at `path` lacks.
    """

    what: str
    path: tuple[Any, ...]
    of_key: bool = False
    missing: str | None = None
    fix: str | None = None


def findings(error: jsonschema_rs.ValidationError, rule: dict[str, Any]) -> list[Finding]:
    """`error` in plain words; `rule` is the part of the schema that it breaks."""
    path = tuple(error.instance_path)
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        known = list(rule.get("properties", ()))
        return [
            Finding(what=f"unknown key {shown(key)}", path=(*path, key), of_key=True, fix=suggestion(key, known))
            for key in kind.unexpected
        ]
    what, fix = _value(error, rule)
    missing = kind.property if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required) else None
    return [Finding(what=what, path=path, missing=missing, fix=fix or _examples(rule))]


def _value(error: jsonschema_rs.ValidationError, rule: dict[str, Any]) -> tuple[str, str | None]:
    kind, value = error.kind, error.instance
    told = _TOLD.get(kind.name)
    return told(value, kind, rule) if told else (str(error.message), None)


def _wrong_type(value: Any, kind: Any, _rule: dict[str, Any]) -> tuple[str, str | None]:
    wanted = " or ".join(words for name, words in _TYPES.items() if name in kind.types)
    return f"{described(value)} is not {wanted}", _type_fix(value, kind.types)


def _no_option(value: Any, kind: Any, _rule: dict[str, Any]) -> tuple[str, str | None]:
    options = [str(option) for option in kind.options]
    near = suggestion(value, options) if isinstance(value, str) else None
    fix = near if near and near.startswith("did") else None
    return f"{shown(value)} is not one of {', '.join(options)}", fix


def _missing(_value: Any, kind: Any, rule: dict[str, Any]) -> tuple[str, str | None]:
    about = rule.get("properties", {}).get(kind.property, {}).get("description")
    return f"{kind.property} is missing", f"add {kind.property}" + (f": {about}" if about else "")


def _out_of_range(value: Any, _kind: Any, rule: dict[str, Any]) -> tuple[str, str | None]:
    return f"{shown(value)} is not {_range(rule)}", None


def _malformed(value: Any, _kind: Any, _rule: dict[str, Any]) -> tuple[str, str | None]:
    return f"{shown(value)} does not have the right form", None


def _empty(_value: Any, _kind: Any, _rule: dict[str, Any]) -> tuple[str, str | None]:
    return "this is empty", None


def _repeated(_value: Any, _kind: Any, _rule: dict[str, Any]) -> tuple[str, str | None]:
    return "the list has the same value twice", "keep one of them"


def _other_constant(value: Any, _kind: Any, rule: dict[str, Any]) -> tuple[str, str | None]:
    return f"{shown(value)} is not {shown(rule.get('const'))}", None


_TOLD = {
    "type": _wrong_type,
    "enum": _no_option,
    "required": _missing,
    "pattern": _malformed,
    "const": _other_constant,
    "uniqueItems": _repeated,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _out_of_range),
    **dict.fromkeys(("minLength", "minItems", "minProperties"), _empty),
}
"""What to say, by the keyword that is broken."""


def shown(value: Any) -> str:
    """A value for a message: quoted, without control characters, cut to a readable length."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def described(value: Any) -> str:
    """A value and its kind for a message: the text '443', the number 443, a list, nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if isinstance(value, int | float):
        return f"the number {shown(value)}"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return "nothing"


def _type_fix(value: Any, types: list[str]) -> str | None:
    if isinstance(value, str) and ("integer" in types or "number" in types):
        return "write it without quotes; in a template add | int"
    if isinstance(value, str) and "boolean" in types:
        return "write true or false without quotes"
    if isinstance(value, str) and "array" in types:
        return f"write a list: [{value}]" if value.isprintable() else None
    if isinstance(value, list) and "object" in types:
        return "write a colon after each name instead of a dash before it"
    if isinstance(value, int | float) and "string" in types:
        return "put it in quotes"
    return None


def _range(rule: dict[str, Any]) -> str:
    low, high = rule.get("minimum"), rule.get("maximum")
    if "exclusiveMinimum" in rule:
        upper = f" and at most {high}" if high is not None else ""
        return f"greater than {rule['exclusiveMinimum']}{upper}"
    if low is not None and high is not None:
        return str(low) if low == high else f"from {low} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}"


def _examples(rule: dict[str, Any]) -> str | None:
    examples = rule.get("examples")
    return f"for example {', '.join(str(example) for example in examples)}" if examples else None
