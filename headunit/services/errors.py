"""Errors of the car's services.

ServiceError
└── NotOnlineError   what needs the backend was asked for without a connection (R-204)
"""


class ServiceError(Exception):
    """Root of what the car's services raise themselves."""


class NotOnlineError(ServiceError):
    """What needs the backend was asked for without a connection (R-204)."""
