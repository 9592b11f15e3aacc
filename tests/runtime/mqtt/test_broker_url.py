"""A broker's URL: what can be written, what is refused in which words, and that no password is ever shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import BrokerUrlError
from runtime.mqtt.broker_url import BrokerUrl, without_password

SECRET = "corRect-hor5e"


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("mqtt://localhost", BrokerUrl("localhost", 1883)),
        ("mqtt://10.0.0.1:1884/", BrokerUrl("10.0.0.1", 1884)),
        ("mqtt://[::1]:1884", BrokerUrl("::1", 1884)),
        ("mqtt://bench@broker", BrokerUrl("broker", 1883, "bench")),
        ("mqtt://bench:s%40fe%3A@broker:65535", BrokerUrl("broker", 65535, "bench", "s@fe:")),
        ("mqtt://b%C3%A4nk:%E6%9C%BA@broker", BrokerUrl("broker", 1883, "bänk", "机")),
    ],
)
def test_host_port_user_and_password_are_read(url: str, read: BrokerUrl) -> None:
    assert BrokerUrl.parse(url) == read


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "'' is no broker: write mqtt://"),
        ("localhost:1883", "'localhost:1883' is no broker: write mqtt://"),
        ("http://x", "'http://x' is no broker: write mqtt://"),
        ("mqtt://", "'mqtt://' is no broker: write mqtt://"),
        ("mqtt://a b", "'mqtt://a b' is no broker: write mqtt://"),
        ("mqtt://x:0", "'mqtt://x:0' is no broker: a port is a number from 1 to 65535"),
        ("mqtt://x:65536", "'mqtt://x:65536' is no broker: a port is a number from 1 to 65535"),
        ("mqtt://x:y", "'mqtt://x:y' is no broker: a port is a number from 1 to 65535"),
        ("mqtt://x/topic", "'mqtt://x/topic' is no broker: nothing follows"),
        ("mqtt://x?a=b", "'mqtt://x?a=b' is no broker: nothing follows"),
        ("mqtts://x", "'mqtts://x' is no broker to connect to: TLS is not supported yet; use mqtt://"),
        ("mqtts://x:8883", "'mqtts://x:8883' is no broker to connect to: TLS is not supported yet"),
        ("mqtt://:pw@x", "'mqtt://***@x' is no broker: a password needs a user name"),
    ],
)
def test_what_is_no_broker_is_refused_with_what_to_write(url: str, said: str) -> None:
    with pytest.raises(BrokerUrlError) as caught:
        BrokerUrl.parse(url)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "url",
    [
        f"mqtt://bench:{SECRET}@broker:x",
        f"mqtts://bench:{SECRET}@broker",
        f"http://bench:{SECRET}@broker",
        f"mqtt://bench:{SECRET}@broker/topic",
        f"bench:{SECRET}@broker",
        f"bench:{SECRET}//@broker",
        f"mqtt://bench:a/b@{SECRET}@broker:0",
        f"mqtt://bench:{SECRET}@broker@",
        f"mqtt://bench:{SECRET}@[::1",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    with pytest.raises(BrokerUrlError) as caught:
        BrokerUrl.parse(url)
    assert SECRET not in str(caught.value)
    assert "***@" in str(caught.value)


def test_neither_does_what_was_read() -> None:
    url = BrokerUrl.parse(f"mqtt://bench:{SECRET}@[::1]")
    assert SECRET not in f"{url!r} {url}"
    assert str(url) == "mqtt://[::1]:1883"


@given(before=st.text(), after=st.text().filter(lambda text: "@" not in text))
def test_whatever_stands_before_the_last_at_sign_is_hidden(before: str, after: str) -> None:
    shown = without_password(f"mqtt://{before}{SECRET}@{after}")
    assert shown == f"mqtt://***@{after}"
