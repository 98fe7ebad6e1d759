"""One network in (t, x), its hidden layer frozen at random."""
