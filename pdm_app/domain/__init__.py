"""What is true in a plant: records and rules without I/O, clock or logging."""
