"""Entropic optimal transport: Sinkhorn's algorithm stopped early, then truncated Newton steps on the dual."""
