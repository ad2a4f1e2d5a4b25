# SPDX-License-Identifier: Apache-2.0
"""The keys of a configuration, from its JSON Schema."""

from roff import bold, escape, tagged


def resolved(node, schema):
    """The node with what it refers to, its own words first."""
    while True:
        parts = [node, *node.get("allOf", [])]
        if not any("$ref" in part for part in parts):
            return node
        found = {}
        for part in parts:
            if "$ref" in part:
                target = schema
                for step in part["$ref"].removeprefix("#/").split("/"):
                    target = target[step]
                found = {**target, **found}
        node = {**found, **{k: v for k, v in node.items() if k not in ("$ref", "allOf")}}


def said(value):
    if value is False:
        return "off"
    return "true" if value is True else str(value)


def kind(node, schema):
    """What may stand there, in a few words."""
    node = resolved(node, schema)
    if "oneOf" in node and "properties" not in node:
        return ", or ".join(dict.fromkeys(kind(one, schema) for one in node["oneOf"]))
    if "const" in node:
        return said(node["const"])
    if "enum" in node:
        return " | ".join(dict.fromkeys(said(value) for value in node["enum"]))
    types = node.get("type", "string")
    first = types if isinstance(types, str) else next(t for t in types if t != "null")
    if first == "integer":
        low, high = node.get("minimum"), node.get("maximum")
        return "a number" + (f" from {low} to {high}" if high is not None else f" from {low}" if low else "")
    if first == "array":
        item = node.get("items", {})
        return "a list" if "if" in item or resolved(item, schema).get("properties") else f"a list of: {kind(item, schema)}"
    return {"boolean": "true | false", "object": "a mapping"}.get(first, "a text")


def below(node, schema):
    """The mappings that the value of a key may be, or be a list of: (what to say of it, node)."""
    node = resolved(node, schema)
    for choice in node.get("oneOf", []) if "properties" not in node else []:
        yield from below(choice, schema)
    if node.get("properties"):
        yield "", node
    item = node.get("items", {})
    if "if" in item:  # ports: by what they have
        for branch in ("else", "then"):
            yield from below(item[branch], schema)
    elif item:
        yield from below(item, schema)


def entry(key, node, schema):
    full = resolved(node, schema)
    facts = [kind(full, schema)] + ([f"default {said(full['default'])}"] if "default" in full else [])
    text = tagged(bold(key), escape(full.get("description", "")) + f"\n({escape('; '.join(facts))})")
    for _, mapping in below(full, schema):
        text += ".RS\n" + "".join(entry(k, v, schema) for k, v in mapping["properties"].items()) + ".RE\n"
    return text


def keys(schema):
    text = ""
    for key, node in schema["properties"].items():
        text += f".SS {key}\n{escape(node['description'])}\n"
        for number, (_, mapping) in enumerate(below(node, schema)):
            if number:  # the second kind of port
                text += f".PP\n{escape(mapping.get('description', 'Or:'))}\n"
            text += "".join(entry(k, v, schema) for k, v in mapping["properties"].items())
    return text
