"""Reference values with their own errors: reading them, making them."""
