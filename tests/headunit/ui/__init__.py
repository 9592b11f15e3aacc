"""The view: what it draws, what it sends."""
