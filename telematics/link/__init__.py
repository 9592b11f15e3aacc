"""The link model: rate, delay, queue, loss and outage between car and broker. Pure."""
