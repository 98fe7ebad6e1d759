"""What the networks in (t, x) whose weights are all trained share."""
