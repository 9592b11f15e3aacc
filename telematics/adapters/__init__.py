"""Where the telematics unit touches the real world."""
