"""The Textual view: draws a ScreenSnapshot, sends ControllerEvents. No I/O of its own, no rules."""
