"""Three ways to run one pipeline: a loop, Ray, Beam. All give the same rows."""
