"""A network in time for every Fourier mode in space: the default."""
