"""Where mosquitto is known to do otherwise than the contract says."""

from typing import Final

from tests.runtime.mqtt.broker_places import Deviation

MOSQUITTO_DEVIATES: Final = {
    "test_another_protocol_version_is_refused": Deviation(
        "not MQTT 5", "answers an unknown version with a CONNACK of MQTT 3.1.1"
    ),
    "test_a_second_connect_is_a_protocol_error": Deviation(
        "closed the connection instead", "closes without a DISCONNECT"
    ),
    "test_a_silent_client_is_disconnected_after_one_and_a_half_keep_alives": Deviation(
        "no packet within", "looks every five seconds only, and closes without a DISCONNECT"
    ),
    "test_a_session_is_taken_over_by_the_newer_connection": Deviation(
        "closed the connection instead", "closes without a DISCONNECT before 2.0.15"
    ),
    "test_packet_type_zero_is_malformed": Deviation("DISCONNECT PROTOCOL_ERROR", "calls it 0x82"),
    "test_dup_on_qos_zero_is_malformed": Deviation("Pingresp() instead of a Disconnect", "lets it pass"),
    "test_a_property_given_twice_is_a_protocol_error": Deviation(
        "closed the connection instead", "closes without a DISCONNECT"
    ),
    "test_a_subscribe_without_a_filter_is_a_protocol_error": Deviation(
        "DISCONNECT MALFORMED_PACKET", "calls it 0x81"
    ),
    "test_a_wildcard_in_a_topic_name_is_refused": Deviation("DISCONNECT PROTOCOL_ERROR", "calls it 0x82"),
    "test_a_filter_with_a_misplaced_wildcard_is_refused_alone": Deviation(
        "instead of a Suback", "disconnects with 0x81 in place of refusing the one filter"
    ),
    "test_overlapping_subscriptions_deliver_once_with_the_highest_qos": Deviation(
        "QoS 0 first", "delivers a copy for each subscription, as section 3.3.4 lets it"
    ),
    "test_no_more_than_the_clients_receive_maximum_is_in_flight": Deviation(
        "id=4 qos=1 2 bytes> instead of a Pingresp", "sends two messages for every PUBACK"
    ),
    "test_redelivery_keeps_to_the_receive_maximum_of_the_new_connection": Deviation(
        "dup 2 bytes> instead of a Pingresp", "sends all that was in flight at once"
    ),
    "test_a_delayed_will_is_published_when_the_session_ends_before_its_delay": Deviation(
        "no packet within", "waits for the delay although the session has ended"
    ),
}
"""What mosquitto 2.0.11 is known to do otherwise: what a check sees there, and what that means."""
