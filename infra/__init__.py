"""From the app to a deployment on AWS: package, finish, lint, deploy."""
