"""What the car receives along its way: drives, rate traces, obstructions, and the levels of D-38. Pure."""
