"""Apps of people's own: what one is asked for, what is wrong with that, and the files that it comes to."""
