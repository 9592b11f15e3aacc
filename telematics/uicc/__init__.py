"""The SIM: the life of its subscription. Pure."""
