"""Entropic optimal transport: measures, costs, Gibbs kernels and their products, Sinkhorn's algorithm."""
