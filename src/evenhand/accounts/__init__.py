"""What is known of buyers and merchants when a ruling is made: their history, the scores drawn from it, their labels."""
