"""One network in (t, x), all of its weights trained."""
