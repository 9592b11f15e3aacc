"""What people do at the backend, one module per person; scripts, bench channel and pages all say it this way.

An act names an order by its number; empty means the newest order of the car. A field that is None stands
for what the person would truthfully say: the code the car displays, the token on the phone, the right VIN.
"""
