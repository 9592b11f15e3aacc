"""Orders, from the cart to the paid order: what driver and Portal ask for, and the links that are paid."""
