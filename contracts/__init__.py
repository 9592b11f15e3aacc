"""What crosses the air, the buses and the bench channel. Pure: no I/O, no clock, no luck.

errors       error codes of the specification, and ContractError
topics       MQTT topic names of one vehicle
messages     what car and backend say to each other
codec        bytes <-> messages
trace        W3C trace context, carried as an MQTT user property
controller   what the driver's hand does
screen       what the driver's eye sees
modem        what the car can learn from its modem
link         the port of the link model
bench        commands to and reports from a running bench
"""
