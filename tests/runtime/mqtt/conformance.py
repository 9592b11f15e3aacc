"""The normative statements of MQTT 5 and 3.1.1 that bind a server, and those that no check can show.

The numbers are those of the standards (MQTT 5: appendix B; 3.1.1: appendix B); a dash spans numbers. What
binds clients alone is left out.
"""

from typing import Final

MQTT_5_STATEMENTS: Final = """
1.5.4-1…3 1.5.5-1 1.5.7-1 2.1.3-1 2.2.1-2 2.2.1-4…6 2.2.2-1
3.1.0-1…2 3.1.2-1…19 3.1.2-22…29 3.1.3-1…12 3.1.4-1…6
3.2.0-1…2 3.2.2-1…3 3.2.2-6…10 3.2.2-12…13 3.2.2-16 3.2.2-19…20 3.2.2-22
3.3.1-1…13 3.3.2-1…9 3.3.2-11…13 3.3.2-15…20 3.3.4-1…6 3.3.4-9…10
3.4.2-1…3 3.5.2-1…3 3.6.1-1 3.6.2-1…3 3.7.2-1…3
3.8.1-1 3.8.3-1…5 3.8.4-1…8 3.9.2-1…2 3.9.3-1…2
3.10.1-1 3.10.3-1…2 3.10.4-1…6 3.11.2-1…2 3.11.3-1…2 3.12.4-1
3.14.0-1 3.14.1-1 3.14.2-1…4 3.14.4-1…3 3.15.1-1 3.15.2-1…3
4.1.0-1…2 4.2.0-1 4.3.1-1 4.3.2-1…5 4.3.3-1…13 4.4.0-1…2 4.5.0-1 4.6.0-5…6
4.7.0-1 4.7.1-1…2 4.7.2-1 4.7.3-1…4 4.8.2-1…6 4.9.0-1…3 4.12.0-1…7 4.12.1-1…2 4.13.1-1 4.13.2-1
6.0.0-1…4
"""

MQTT_3_1_1_STATEMENTS: Final = """
1.5.3-1…3 2.2.2-1…2 2.3.1-1…7
3.1.0-1…2 3.1.2-1…22 3.1.2-24 3.1.3-1…11 3.1.4-1…5 3.2.0-1 3.2.2-1…6
3.3.1-1…12 3.3.2-1…3 3.3.4-1 3.3.5-1…2 3.6.1-1
3.8.1-1 3.8.3-1…4 3.8.4-1…6 3.9.3-1…2 3.10.1-1 3.10.3-1…2 3.10.4-1…6 3.12.4-1
3.14.1-1 3.14.4-1…3 4.1.0-1…2 4.2.0-1 4.3.1-1 4.3.2-1…2 4.3.3-1…2 4.4.0-1 4.5.0-1 4.6.0-1 4.6.0-4…6
4.7.1-1…3 4.7.2-1 4.7.3-1…4 4.8.0-1…2
6.0.0-1…4
"""

_NO_WEBSOCKET = "no WebSocket is offered"
_NO_AUTH = "extended authentication is not offered; CONNECT with it is refused [MQTT-4.12.0-1]"
_ALL_QOS = "every QoS is offered"
_NO_REASON_STRING = "our broker sends no Reason String and no user property of its own"

NOT_CHECKED: Final = {
    "MQTT-3.2.2-9": _ALL_QOS,
    "MQTT-3.2.2-10": _ALL_QOS,
    "MQTT-3.2.2-12": _ALL_QOS,
    "MQTT-3.2.2-13": "retained messages are offered",
    "MQTT-3.1.3-8": "every client identifier that is a string is taken",
    "MQTT-3.2.2-19": _NO_REASON_STRING,
    "MQTT-3.2.2-20": _NO_REASON_STRING,
    "MQTT-3.4.2-2": _NO_REASON_STRING,
    "MQTT-3.4.2-3": _NO_REASON_STRING,
    "MQTT-3.5.2-2": _NO_REASON_STRING,
    "MQTT-3.5.2-3": _NO_REASON_STRING,
    "MQTT-3.6.2-2": _NO_REASON_STRING,
    "MQTT-3.6.2-3": _NO_REASON_STRING,
    "MQTT-3.7.2-2": _NO_REASON_STRING,
    "MQTT-3.7.2-3": _NO_REASON_STRING,
    "MQTT-3.9.2-1": _NO_REASON_STRING,
    "MQTT-3.9.2-2": _NO_REASON_STRING,
    "MQTT-3.11.2-1": _NO_REASON_STRING,
    "MQTT-3.11.2-2": _NO_REASON_STRING,
    "MQTT-3.14.2-3": _NO_REASON_STRING,
    "MQTT-3.14.2-4": _NO_REASON_STRING,
    "MQTT-4.3.3-9": "no broker refuses QoS 2 by itself; ours, told to: `test_broker_faults`",
    "MQTT-3.15.1-1": _NO_AUTH,
    "MQTT-3.15.2-1": _NO_AUTH,
    "MQTT-3.15.2-2": _NO_AUTH,
    "MQTT-3.15.2-3": _NO_AUTH,
    "MQTT-4.12.0-2": _NO_AUTH,
    "MQTT-4.12.0-3": _NO_AUTH,
    "MQTT-4.12.0-4": _NO_AUTH,
    "MQTT-4.12.0-5": _NO_AUTH,
    "MQTT-4.12.0-6": _NO_AUTH,
    "MQTT-4.12.1-1": _NO_AUTH,
    "MQTT-4.12.1-2": _NO_AUTH,
    "MQTT-6.0.0-1": _NO_WEBSOCKET,
    "MQTT-6.0.0-2": _NO_WEBSOCKET,
    "MQTT-6.0.0-3": _NO_WEBSOCKET,
    "MQTT-6.0.0-4": _NO_WEBSOCKET,
    "MQTT3-3.1.3-9": "every client identifier that is a string is taken",
    "MQTT3-3.3.5-2": "no access control; what is published in $SYS is acknowledged and dropped",
    "MQTT3-3.8.3-2": "filters with wildcards are offered",
    "MQTT3-4.2.0-1": "the same stream of bytes as in MQTT 5 [MQTT-4.2.0-1]",
    "MQTT3-4.8.0-2": "a transient error cannot be brought about from outside",
    "MQTT3-6.0.0-1": _NO_WEBSOCKET,
    "MQTT3-6.0.0-2": _NO_WEBSOCKET,
    "MQTT3-6.0.0-3": _NO_WEBSOCKET,
    "MQTT3-6.0.0-4": _NO_WEBSOCKET,
}
"""What has no check, and why."""


def statements(prefix: str, spans: str) -> list[str]:
    """The single statements that `spans` names, with `prefix` in front."""
    found = []
    for span in spans.split():
        section, _, numbers = span.rpartition("-")
        first, _, last = numbers.partition("…")
        found += [f"{prefix}-{section}-{number}" for number in range(int(first), int(last or first) + 1)]
    return found


SERVER_STATEMENTS: Final = (
    *statements("MQTT", MQTT_5_STATEMENTS),
    *statements("MQTT3", MQTT_3_1_1_STATEMENTS),
)
"""All of them, as the docstrings of the checks cite them."""
