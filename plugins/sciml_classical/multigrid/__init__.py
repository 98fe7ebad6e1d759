"""Multigrid for ∂x(a u_x) + ∂y(b u_y) + c u = f on a rectangle."""
