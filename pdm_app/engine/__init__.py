"""What runs by itself: the loops between the sources, the buffer and the historian, all under one supervisor."""
