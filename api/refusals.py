"""What the HTTP service refuses before any statement is looked at, and the statuses it answers.

The class of an error fixes its HTTP status; the few codes of HTTP itself have their own.
"""

from __future__ import annotations

from keys.errors import CellbookError, declare
from ledger.custody.governance.succession import FROZEN

NO_ROUTE = declare(
    "missing.route",
    "This service has no such resource.",
    "See /openapi.json for what it has.",
)
METHOD = declare(
    "usage.http.method",
    "This resource does not take this HTTP method.",
    "Use one of the methods in the Allow header.",
)
MEDIA_TYPE = declare(
    "usage.http.media-type",
    "The body is not of a media type that this resource takes.",
    "Send one of the types in the detail, without a Content-Encoding.",
)
BODY_SIZE = declare(
    "usage.http.body-size",
    "The body is larger than this resource takes.",
    "Send fewer statements at once.",
)
BODY_TIME = declare(
    "usage.http.body-time",
    "The body did not arrive in time.",
    "Send it again, in smaller parts where the connection is slow.",
)
BATCH_COUNT = declare(
    "usage.http.batch-count",
    "The batch holds more statements than this resource takes at once.",
    "Send it in several batches. Nothing of this one was registered.",
)
QUERY = declare(
    "usage.http.query",
    "A parameter is missing, or cannot be read.",
    "See /openapi.json for the parameters of this resource.",
)
SUBJECT = declare(
    "usage.http.subject",
    "The path does not name a subject.",
    "Write the subject's URI in unpadded base64url, or look a battery up by /batteries?id=…",
)
REQUEST = declare(
    "usage.http.request",
    "The request cannot be answered.",
    "See the detail, and /openapi.json.",
)
BUSY = declare(
    "busy.requests",
    "The bodies of the requests at hand fill the memory that the service has for them.",
    "Send the request again after a moment.",
)
FAULT = declare(
    "unavailable.service.fault",
    "A fault inside the service; it is not known whether the request took effect.",
    "Send the same bytes again, and report the fault with the service's log.",
)

_STATUS = {
    METHOD.code: 405,
    BODY_TIME.code: 408,
    BODY_SIZE.code: 413,
    BATCH_COUNT.code: 413,
    MEDIA_TYPE.code: 415,
    FAULT.code: 500,
    # Closed for ever: nobody needs to come back.
    FROZEN.code: 410,
}


def status_of(error: CellbookError) -> int:
    """The HTTP status of ``error``."""
    return _STATUS.get(error.code, error.http_status)
