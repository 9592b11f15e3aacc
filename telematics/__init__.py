"""The simulated telematics unit: SIM, modem, radio and link, and the relay that lets real bytes feel them."""
