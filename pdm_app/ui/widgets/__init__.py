"""Live widgets: React components of our own, wrapped so that pages place them like any other element."""
