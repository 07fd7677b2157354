"""The benchmarks of the command line: each prints its figures beside what is asked for, and beside a peer."""
