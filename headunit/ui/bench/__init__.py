"""The engineer's panel: what the road, the modem and the queues really do, and buttons to change it."""
