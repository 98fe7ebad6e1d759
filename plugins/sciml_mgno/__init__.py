"""Multigrid neural operators: learned V-cycles as the linear part of an operator network."""
