"""What all tables share: one MetaData, row numbers, columns that must be there."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String

METADATA = MetaData()

ROW_ID = BigInteger().with_variant(Integer, "sqlite")
"""A row number; only INTEGER counts up by itself in SQLite."""


def required(name: str, kind: type[String] | type[BigInteger] | type[LargeBinary]) -> Column[object]:
    """A column without NULL."""
    return Column(name, kind, nullable=False)
