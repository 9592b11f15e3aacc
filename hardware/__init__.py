"""The optional bridge to real units on a bench: CAN, serial, the iDrive controller."""
