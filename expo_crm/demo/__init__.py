"""A generated show that could be a real one: four past editions and the coming one. Every name in it is made up."""
