"""Our MQTT 5 broker: a pure core (`core.Broker`) told bytes and instants, and its shell (`server`)."""
