"""Reading surveys, cases, retention and the plan of the next edition."""
