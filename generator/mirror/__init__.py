"""What a cluster is made of that comes from elsewhere: the list for those who keep copies, and its formats."""
