"""`kai chat`: one message and its answer, shown as it comes, and the conversation around it."""
