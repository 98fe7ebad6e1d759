"""Frozen definitions of what is measured. A definition never changes; a new one gets a new name."""
