"""How weights are trained: Gauss–Newton, SSBroyden, Adam."""
