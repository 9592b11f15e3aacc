"""Where mosquitto is known to break the standard."""

from typing import Final, NamedTuple

from runtime.mqtt.packets import MQTT_3_1_1, MQTT_5


class Deviation(NamedTuple):
    """What a check sees there, which statement that breaks, how, and in which protocol levels.

    `patience_s` is how long the check waits for what does not come.
    """

    seen: str
    statement: str
    reason: str
    levels: tuple[int, ...] = (MQTT_5,)
    patience_s: float = 0.7


_BOTH = (MQTT_3_1_1, MQTT_5)

MOSQUITTO_DEVIATES: Final[dict[str, Deviation]] = {
    "test_a_silent_client_is_disconnected_after_one_and_a_half_keep_alives": Deviation(
        "still connected after", "MQTT-3.1.2-22, MQTT3-3.1.2-24", "looks every five seconds only", _BOTH, 2.5
    ),
    "test_a_session_is_taken_over_by_the_newer_connection": Deviation(
        "closed the connection instead", "MQTT-3.1.4-3", "closes without DISCONNECT 0x8E before 2.0.15"
    ),
    "test_authentication_data_without_a_method_is_refused": Deviation(
        "<ReasonCode.SUCCESS: 0> >=", "MQTT-4.13.1-1, section 3.1.2.11.10", "lets it pass"
    ),
    "test_a_publish_repeated_before_pubrel_is_answered_and_not_delivered_again": Deviation(
        "instead of", "MQTT-4.3.3-10, MQTT3-4.3.3-2", "ends the connection at the second repetition", _BOTH
    ),
    "test_overlapping_subscriptions_deliver_with_the_highest_qos": Deviation(
        "assert [0] in",
        "MQTT3-3.3.5-1",
        "in 3.1.1 delivers one copy, at the QoS of the subscription it finds first",
        (MQTT_3_1_1,),
    ),
    "test_a_subscription_made_again_replaces_its_options_and_identifier": Deviation(
        "no packet within", "MQTT-3.8.4-3", "keeps No Local of the older subscription"
    ),
    "test_no_local_cannot_be_shared": Deviation(
        "GRANTED_QOS_1: 1>,), properties=Properties()) instead of a Disconnect", "MQTT-3.8.3-4", "grants it"
    ),
    "test_a_shared_subscription_is_sent_no_retained_messages": Deviation(
        "retain 2 bytes> instead of a Pingresp", "section 4.8.2", "sends them"
    ),
    "test_a_share_name_must_be_one": Deviation(
        "$share//a was granted", "MQTT-4.8.2-1", "grants an empty one"
    ),
    "test_a_disconnect_with_an_error_publishes_it_too": Deviation(
        "no packet within", "MQTT-3.1.2-8", "deletes the will at every DISCONNECT but 0x04"
    ),
    "test_a_take_over_publishes_a_will_without_delay": Deviation(
        "no packet within", "MQTT-3.1.2-8, MQTT3-3.1.2-8", "deletes the will of the older connection", _BOTH
    ),
    "test_a_delayed_will_is_published_when_the_session_ends_before_its_delay": Deviation(
        "no packet within", "MQTT-3.1.2-8", "waits for the delay although the session has ended"
    ),
    "test_clean_start_publishes_a_will_that_still_waits": Deviation(
        "no packet within", "MQTT-3.1.2-8", "deletes it"
    ),
    "test_no_more_than_the_clients_receive_maximum_is_in_flight": Deviation(
        "id=4 qos=1 2 bytes> instead of a Pingresp", "MQTT-3.3.4-9", "sends two messages for every PUBACK"
    ),
    "test_redelivery_keeps_to_the_receive_maximum_of_the_new_connection": Deviation(
        "dup 2 bytes> instead of a Pingresp", "MQTT-3.3.4-9", "sends all that was in flight at once"
    ),
    "test_a_message_of_just_the_clients_maximum_packet_size_is_sent": Deviation(
        "assert b'yyy", "MQTT-3.1.2-24", "sends packets of one byte more than the client takes"
    ),
}
"""What mosquitto 2.0.11 breaks: by the check that sees it."""
