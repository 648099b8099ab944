"""A light check of JSON against the part of JSON Schema that result.schema.json uses. Not a general validator."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
    "null": (type(None),),
}
KNOWN = frozenset(
    [
        "$schema",
        "$id",
        "$defs",
        "$ref",
        "title",
        "description",
        "type",
        "enum",
        "const",
        "required",
        "properties",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
        "minimum",
        "exclusiveMinimum",
        "exclusiveMaximum",
    ]
)
"""Keywords that `first_violation` understands; a test holds the shipped schema to them."""


def _has_type(value: object, name: str) -> bool:
    if isinstance(value, bool) and name != "boolean":
        return False
    return isinstance(value, _TYPES[name])


def _number_violation(value: float, rule: dict[str, Any]) -> str:
    if value < rule.get("minimum", value):
        return f"{value} is below {rule['minimum']}"
    if "exclusiveMinimum" in rule and value <= rule["exclusiveMinimum"]:
        return f"{value} is not above {rule['exclusiveMinimum']}"
    if "exclusiveMaximum" in rule and value >= rule["exclusiveMaximum"]:
        return f"{value} is not below {rule['exclusiveMaximum']}"
    return ""


def _object_violation(value: dict[str, Any], rule: dict[str, Any], root: dict[str, Any], where: str) -> str:
    for key in rule.get("required", ()):
        if key not in value:
            return f"{where}: {key!r} is missing"
    known = rule.get("properties", {})
    others = rule.get("additionalProperties", True)
    for key, item in value.items():
        inner = known.get(key, others)
        if inner is False:
            return f"{where}: {key!r} is not part of the schema"
        if isinstance(inner, dict) and (found := first_violation(item, inner, root, f"{where}.{key}")):
            return found
    return ""


def _array_violation(value: list[Any], rule: dict[str, Any], root: dict[str, Any], where: str) -> str:
    low, high = rule.get("minItems", 0), rule.get("maxItems", len(value))
    if not low <= len(value) <= high:
        return f"{where}: has {len(value)} items"
    for n, item in enumerate(value):
        if found := first_violation(item, rule.get("items", {}), root, f"{where}[{n}]"):
            return found
    return ""


def first_violation(  # noqa: PLR0911  (one a keyword)
    value: Any, rule: dict[str, Any], root: dict[str, Any] | None = None, where: str = "result"
) -> str:
    """The first way in which `value` breaks `rule`, in words with its place; empty if there is none."""
    root = root or rule
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rpartition("/")[2]]
    types = rule.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(_has_type(value, name) for name in types):
        return f"{where}: is {type(value).__name__}, expected {' or '.join(types)}"
    if "const" in rule and value != rule["const"]:
        return f"{where}: is {value!r}, expected {rule['const']!r}"
    if "enum" in rule and value not in rule["enum"]:
        return f"{where}: is {value!r}, expected one of {rule['enum']}"
    if isinstance(value, dict):
        return _object_violation(value, rule, root, where)
    if isinstance(value, list):
        return _array_violation(value, rule, root, where)
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = _number_violation(value, rule)
        return f"{where}: {found}" if found else ""
    return ""
