"""Everything between files and objects: whole files or none, bounded and suspicious reading, HDF5 and TOML."""
