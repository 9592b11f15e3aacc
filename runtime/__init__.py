"""One code base, two runtimes: what a program needs of the world, in virtual and in real time.

`ports` says what a program may ask for. Importing this package imports nothing else.
"""
