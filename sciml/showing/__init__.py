"""Problems and results as text for a terminal."""
