"""What the modem makes of reception and SIM: its registration. Pure."""
