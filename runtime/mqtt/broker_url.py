"""Where a broker is, as people write it: `mqtt://[USER[:PASSWORD]@]HOST[:PORT]`. Pure.

A password in an error, a log or a report would outlive its broker: nothing here ever shows one.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from runtime.errors import BrokerUrlError

_PORT_DEFAULT: Final = 1883
_PORT_MAX: Final = 65_535
_TLS: Final = ("mqtts", "ssl", "tls", "wss")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FORM: Final = "mqtt://[USER[:PASSWORD]@]HOST[:PORT]"


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """A broker's address and what it wants to know of its clients; "" stands for nothing."""

    host: str
    port: int = _PORT_DEFAULT
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "BrokerUrl":
        """Read `url`; characters that mean something in a URL are percent-encoded in user and password.

        Raises BrokerUrlError, which repeats the URL without its password and says what to write.
        """
        shown = without_password(url)
        try:
            parts = urlsplit(url)
        except ValueError:
            raise BrokerUrlError(f"{shown!r} is no broker: write {_FORM}") from None
        if parts.scheme in _TLS:
            raise BrokerUrlError(
                f"{shown!r} is no broker to connect to: TLS is not supported yet; "
                "use mqtt:// to a listener on this computer, or to the near end of a tunnel (ssh -L)"
            )
        if parts.scheme != "mqtt" or not parts.hostname or any(letter.isspace() for letter in url):
            raise BrokerUrlError(f"{shown!r} is no broker: write {_FORM}")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise BrokerUrlError(f"{shown!r} is no broker: nothing follows HOST[:PORT]; write {_FORM}")
        try:
            port = parts.port
        except ValueError:
            port = 0
        if port == 0:
            raise BrokerUrlError(f"{shown!r} is no broker: a port is a number from 1 to {_PORT_MAX}")
        username, password = unquote(parts.username or ""), unquote(parts.password or "")
        if password and not username:
            raise BrokerUrlError(f"{shown!r} is no broker: a password needs a user name before its colon")
        return cls(parts.hostname, port or _PORT_DEFAULT, username, password)

    def __str__(self) -> str:
        """The URL without user and password."""
        return f"mqtt://{host_and_port(self.host, self.port)}"


def host_and_port(host: str, port: int) -> str:
    """`host` and `port` as one writes them; an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def without_password(url: str) -> str:
    """`url` with its user and password hidden, whatever else may be wrong with it."""
    before, at, after = url.rpartition("@")
    if not at:
        return url
    scheme = _SCHEME.match(before)
    return f"{scheme[0] if scheme else ''}***@{after}"
