"""What the backend decides: pure functions over plain data; time is an argument, nothing is stored here."""
