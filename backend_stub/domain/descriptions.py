"""Descriptions, durations and availability as a document that can be taken away (R-006)."""

import csv
from collections.abc import Sequence
from io import StringIO

from backend_stub.domain.catalogue import STANDARD_NAMES, TERMS_MONTHS, Service
from backend_stub.domain.vehicle import VehicleRecord

COLUMNS = ("service", "name", "description", "months", "available", "included")
"""Head of the document; `available` and `included` are about the car it was made for."""

_STANDARD = "On every car from delivery, free of charge, without an end."


def descriptions_csv(vehicle: VehicleRecord, products: Sequence[Service]) -> str:
    """The document (RFC 4180) for one car: what is sold, whether it fits, and what the car comes with."""
    document = StringIO(newline="")
    writer = csv.writer(document)
    writer.writerow(COLUMNS)
    terms = " ".join(map(str, TERMS_MONTHS))
    for product in products:
        fits = "yes" if product.fits(vehicle) else "no"
        writer.writerow((product.code, product.name, product.description, terms, fits, "no"))
    for code, name in STANDARD_NAMES.items():
        writer.writerow((code, name, _STANDARD, "", "yes", "yes"))
    return document.getvalue()
