"""MQTT 5 (OASIS Standard, 7 March 2019): the port programs use, its adapters, and our broker."""
