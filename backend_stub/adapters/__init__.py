"""What touches the world: the SQL store, the MQTT endpoint, the scripted provider, the message gateway."""
