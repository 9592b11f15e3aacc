"""What the backend does: one transaction per change, holding state, due times and outgoing messages alike."""
