"""Chebyshev series on intervals and rectangles: boundary-value problems, and evolution between two ends."""
