"""Models: detectors of the unusual, remaining useful life, and the sessions that run their graphs."""
