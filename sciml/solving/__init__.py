"""From a problem and a solver to a scored result in the store; what is missing is made and trained."""
