"""What the services need of a store and of a payment provider."""
