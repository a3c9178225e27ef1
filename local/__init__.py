"""The laptop: runs the template that goes to AWS on an embedded AWS, and nothing else."""
