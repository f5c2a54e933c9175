"""Who could it be: candidates for a query crop. Runs in the worker."""
