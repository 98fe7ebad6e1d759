"""Finite volumes: cell averages, fluxes through faces, reconstruction by WENO or with a limiter."""
