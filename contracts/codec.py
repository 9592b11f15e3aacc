"""Bytes <-> messages: JSON (RFC 8259) with the kind and version in `schema`.

Unknown fields are ignored, so that a newer sender can talk to an older receiver; a wrong or missing
field raises MessageFieldError naming it.
"""

import re
from typing import TypeVar

import msgspec

from contracts.errors import MessageFieldError, UnknownKindError
from contracts.messages import DOWN_MESSAGES, UP_MESSAGES, Message

M = TypeVar("M", bound=Message)

_KINDS: dict[type[Message], str] = {
    message: str(message.__struct_config__.tag) for message in (*UP_MESSAGES, *DOWN_MESSAGES)
}
_DECODERS = {kind: msgspec.json.Decoder(message) for message, kind in _KINDS.items()}
_ENCODER = msgspec.json.Encoder()
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""How JSON writes the character NUL, which no text of a PostgreSQL database can hold."""
_PATH = re.compile(r"(?P<why>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")


def kind_of(message: Message | type[Message]) -> str:
    """The kind of a message: last level of its topic and value of its `schema`."""
    return _KINDS[message if isinstance(message, type) else type(message)]


def encode(message: Message) -> bytes:
    """The message as bytes."""
    return _ENCODER.encode(message)


def decode(kind: str, payload: bytes) -> Message:
    """The message of `kind` in `payload`.

    Raises UnknownKindError for a kind we do not have and MessageFieldError, naming the field, for a
    payload that does not keep its contract.
    """
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise UnknownKindError(f"no message of kind {kind!r}", field="schema")
    if _NUL.search(payload):
        raise MessageFieldError("no text may hold the character NUL (U+0000)")
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise _field_error(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageFieldError(f"not JSON: {error}") from None
    except RecursionError:  # RFC 8259, section 9: a parser may set limits on the depth of nesting
        raise MessageFieldError("nested too deeply") from None


def _field_error(text: str) -> MessageFieldError:
    match = _PATH.fullmatch(text)
    why, path = (match["why"], match["path"] or "") if match else (text, "")
    missing = _MISSING.match(why)
    if missing:
        path = f"{path}.{missing['name']}" if path else missing["name"]
        why = "required, and missing"
    return MessageFieldError(why, field=path)
