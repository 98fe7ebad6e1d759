"""Problems and results as PNG."""
