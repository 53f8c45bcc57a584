"""What does the reference page of the REST API say? Everything on it comes from the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]


def describe_api(document: Schema) -> list[str]:
    """Return the parts of the page: one section for each noun, in it one for each operation."""
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            part = "\n\n".join(_describe_operation(f"{method.upper()} {path}", operation, document))
            by_tag.setdefault(operation["tags"][0], []).append(part)
    return [part for tag in sorted(by_tag) for part in (f"## {tag}", *by_tag[tag])]


def _describe_operation(heading: str, operation: Schema, document: Schema) -> Iterator[str]:
    yield f"### `{heading}`"
    yield f"{operation['summary']}."
    yield operation["description"]
    parameters = [
        (f"`{each['name']}`", _type_of(each["schema"], document), _rule_of(each["schema"]), each.get("description", ""))
        for each in operation.get("parameters", ())
    ]
    yield from _table(("Parameter", "Type", "Limits", "Means"), parameters)
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body (`{media_type}`):"
        yield from _table(("Field", "Type", "Limits", "Means"), _rows_of(content["schema"], document))
    example = operation["responses"]["200"]["content"]["application/json"].get("example")
    if example is not None:
        yield f"~~~json\n{json.dumps(example, indent=2, ensure_ascii=False)}\n~~~"
    refusals = [f"`{status}`" for status in operation["responses"] if status != "200"]
    yield f"Refusals: {', '.join(refusals)}."


def _rows_of(schema: Schema, document: Schema) -> list[tuple[str, str, str, str]]:
    resolved = _resolve(schema, document)
    required = resolved.get("required", ())
    return [
        (
            f"`{name}`",
            _type_of(field, document),
            ", ".join(part for part in ("required" if name in required else "", _rule_of(field)) if part),
            " ".join(str(field.get("description") or _resolve(field, document).get("description", "")).split()),
        )
        for name, field in resolved.get("properties", {}).items()
    ]


def _resolve(schema: Schema, document: Schema) -> Schema:
    """Return the schema itself, past references and past the possibility of null."""
    if "$ref" in schema:
        found: Schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return _resolve(found, document)
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolve(choice, document)
    return schema


def _type_of(schema: Schema, document: Schema) -> str:
    resolved = _resolve(schema, document)
    if resolved.get("type") == "array":
        return f"list: {_type_of(resolved['items'], document)}"
    if "enum" in resolved:
        return ", ".join(f"`{value}`" for value in resolved["enum"])
    return {"date-time": "instant"}.get(resolved.get("format", ""), str(resolved.get("type", "any")))


def _rule_of(schema: Schema) -> str:
    words = {"minimum": "from", "maximum": "to", "maxLength": "at most", "maxItems": "at most"}
    parts = [f"{word} {schema[name]}" for name, word in words.items() if name in schema]
    if schema.get("default") not in (None, "", []):
        parts.append(f"default {schema['default']}")
    return ", ".join(parts)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        lines = [header, ["---"] * len(header), *rows]
        yield "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)
