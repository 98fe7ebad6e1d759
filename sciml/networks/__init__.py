"""Networks that several plugins share; torch only, no files, no state beyond the weights."""
