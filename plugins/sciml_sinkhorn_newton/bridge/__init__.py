"""Schroedinger bridges between two distributions known by samples, with Gaussian-mixture potentials."""
