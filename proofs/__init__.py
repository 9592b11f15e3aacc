"""Long proofs: `make proof NAME=…` runs one in a slice of at most 30 minutes and goes on where it stopped."""
