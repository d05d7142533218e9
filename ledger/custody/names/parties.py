"""Names of those who sign without being registered: guests, and devices that an operator lets sign.

Such a name is made of the key's thumbprint, so it stands for one key, for ever.
"""

from __future__ import annotations

from ledger.custody.identifiers import OPERATOR, parse_operator_uri

GUEST_PREFIX = "urn:cellbook:guest:"
"""A buyer who has one key, which a release has named."""
DEVICE_PREFIX = "urn:cellbook:device:"
"""A device (a BMS gateway) whose key an operator has named in a mandate."""

_HEX = "0123456789abcdef"


def guest_uri(kid: bytes) -> str:
    """The name of the guest who has the key with this thumbprint."""
    return GUEST_PREFIX + kid.hex()


def device_uri(kid: bytes) -> str:
    """The name of the device that has the key with this thumbprint."""
    return DEVICE_PREFIX + kid.hex()


def is_guest(uri: str) -> bool:
    """Whether ``uri`` names a guest; that it is well formed is not checked."""
    return uri.startswith(GUEST_PREFIX)


def is_device(uri: str) -> bool:
    """Whether ``uri`` names a device; that it is well formed is not checked."""
    return uri.startswith(DEVICE_PREFIX)


def parse_party_uri(uri: str, where: str = "party") -> str:
    """``uri`` itself, once it names an operator or a guest. Raises ``rejected.operator.uri``."""
    return _parse(uri, GUEST_PREFIX, where)


def parse_delegate_uri(uri: str, where: str = "delegate") -> str:
    """``uri`` itself, once it names an operator or a device. Raises ``rejected.operator.uri``."""
    return _parse(uri, DEVICE_PREFIX, where)


def parse_issuer_uri(uri: str, where: str = "issuer") -> str:
    """``uri`` itself, once it names whoever may sign events. Raises ``rejected.operator.uri``."""
    return _parse(uri, DEVICE_PREFIX if is_device(uri) else GUEST_PREFIX, where)


def _parse(uri: str, prefix: str, where: str) -> str:
    if not uri.startswith(prefix):
        return parse_operator_uri(uri, where)
    kid = uri[len(prefix) :]
    if len(kid) != 64 or kid.strip(_HEX):
        raise OPERATOR.at(where, f"{uri!r:.100}: a thumbprint is 64 small hexadecimal digits")
    return uri
