"""The root of all acts."""

import msgspec


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """Something a person does; a field it does not know is an error.

    `car` is the VIN of the car it is about, empty = the only or first car of the bench.
    """

    car: str = ""
