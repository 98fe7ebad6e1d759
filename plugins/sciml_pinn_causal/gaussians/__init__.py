"""A sum of Gaussians in (t, x), their centres, widths and amplitudes trained."""
