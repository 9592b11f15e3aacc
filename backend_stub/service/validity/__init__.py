"""What a car may use, from activation to its end: booking, renewal, ends, suspension, the SIM."""
