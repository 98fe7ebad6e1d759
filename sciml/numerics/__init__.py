"""Readings of an equation and the numerical methods that several solvers share (torch, no I/O)."""
