"""Data sets: solved members of a family's splits, in shards that The Well's loader reads."""

from .dataset import Dataset, digest
from .making import make

__all__ = ["Dataset", "digest", "make"]
