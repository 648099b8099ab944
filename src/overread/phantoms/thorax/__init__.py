"""The parts of a simulated chest: shapes, branching trees, places for nodules, paint. `phantoms.chest` joins them."""
