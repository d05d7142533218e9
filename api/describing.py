"""How routes are described in OpenAPI: bodies, answers, parameters, and the codes of refusals.

The text of a refusal is that of its declared code, so the description cannot drift from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from api.problems import CONCISE, PROBLEM_JSON
from api.refusals import FAULT, status_of
from keys.errors import ErrorCode
from ledger.log.sequencer import STOPPED

Described = dict[str, Any]

_TITLES = {
    400: "The request or a statement is refused",
    404: "There is no such thing",
    405: "Wrong method",
    408: "The body came too slowly",
    409: "It contradicts what is registered",
    413: "Too large",
    415: "Wrong media type",
    429: "Busy: try again after `Retry-After` seconds",
    500: "A fault inside the service",
    503: "The service or its database cannot be used now: try again after `Retry-After` seconds",
}
_EVERYWHERE = (FAULT, STOPPED)


def binary(media_types: Iterable[str], description: str, **headers: str) -> Described:
    """A body of bytes, with the response headers that come with it."""
    schema = {"type": "string", "format": "binary"}
    answer: Described = {
        "description": description,
        "content": {media: {"schema": schema} for media in media_types},
    }
    if headers:
        answer["headers"] = {
            name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        }
    return answer


def json_of(name: str | tuple[str, ...], description: str, example: object) -> Described:
    """A JSON body with the schema ``name`` of the document's components, or one of several."""
    names = (name,) if isinstance(name, str) else name
    references = [{"$ref": f"#/components/schemas/{each}"} for each in names]
    schema: Described = references[0] if len(references) == 1 else {"oneOf": references}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": description, "content": content}


def text(media_type: str, description: str, example: str) -> Described:
    """A body of text."""
    content = {media_type: {"schema": {"type": "string"}, "example": example}}
    return {"description": description, "content": content}


def body(media_types: Iterable[str], description: str) -> Described:
    """The request body of a POST: ``openapi_extra`` of its route."""
    return {"requestBody": {**binary(media_types, description), "required": True}}


def parameter(
    name: str, place: str, description: str, example: str, *, required: bool = True
) -> Described:
    """A parameter in the ``path`` or the ``query``."""
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


def refusals(
    codes: Iterable[ErrorCode], families: Mapping[int, str] | None = None
) -> dict[int | str, Described]:
    """The responses that refuse: by HTTP status, each with its codes and what they mean.

    ``families`` adds a sentence for a status whose codes are too many to list.
    """
    lines: dict[int, list[str]] = {}
    for status, sentence in (families or {}).items():
        lines.setdefault(status, []).append(sentence)
    for code in (*codes, *_EVERYWHERE):
        status = status_of(code.at())
        lines.setdefault(status, []).append(f"- `{code.code}`: {code.meaning} {code.remedy}")
    return {status: _refusal(status, rows) for status, rows in sorted(lines.items())}


def _refusal(status: int, lines: list[str]) -> Described:
    return {
        "description": f"{_TITLES[status]}.\n\n" + "\n".join(lines),
        "content": {
            CONCISE: {"schema": {"$ref": "#/components/schemas/ConciseProblem"}},
            PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}},
        },
    }


PROBLEM_SCHEMAS: Described = {
    "ConciseProblem": {
        "type": "string",
        "format": "binary",
        "description": (
            "CBOR (RFC 9290): {-1: title, -2: detail, 'urn:cellbook:problem': {'code': …,"
            " 'status': …, 'where': …, 'remedy': …, 'location': …}}. `code` is stable and for"
            " programs; `location` is there if the statement, or one of the same content, is"
            " registered."
        ),
    },
    "Problem": {
        "type": "object",
        "description": "The same in JSON (RFC 9457), for requests that accept JSON by name.",
        "required": ["type", "title", "status", "code", "detail", "remedy"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string", "description": "The title of SCRAPI"},
            "status": {"type": "integer", "description": "The HTTP status"},
            "code": {"type": "string", "description": "Stable, for programs: class.name"},
            "detail": {"type": "string", "description": "What is wrong, where, what was found"},
            "where": {"type": "string", "description": "The place: a field, an entry"},
            "remedy": {"type": "string", "description": "What to do next"},
            "location": {"type": "string", "description": "The path of the registered entry"},
        },
        "example": {
            "type": "urn:cellbook:error:missing.entry",
            "title": "Not Found",
            "status": 404,
            "code": "missing.entry",
            "detail": "entry: There is no entry with this id in this log.",
            "where": "entry",
            "remedy": "Check the locator. What was submitted a moment ago may still be on its way.",
        },
    },
}
