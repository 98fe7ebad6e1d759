"""What a solution is worth: the only place, with reference/, where a reference is looked at."""
