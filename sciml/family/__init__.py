"""Families: distributions of problems, what learned solvers are trained on and judged by."""

from .family import SPLITS, Family, FamilyDescription, Split
from .file import is_family, read, write
from .observation import is_observed, observed

__all__ = ["SPLITS", "Family", "FamilyDescription", "Split", "is_family", "is_observed", "observed", "read", "write"]
