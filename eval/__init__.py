"""Whether it is right: question sets, metrics, the bench and the fitting of the weights."""
