"""The backend stub: catalogue, orders, payment, messages, entitlements; sole authority for time and state."""
