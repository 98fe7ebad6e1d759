"""Networks that several plugins share."""
