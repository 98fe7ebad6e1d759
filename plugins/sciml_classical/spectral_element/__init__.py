"""Spectral elements on the cells of a rectangle's grid."""
