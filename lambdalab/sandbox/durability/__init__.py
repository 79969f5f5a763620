"""What is accepted outlives the process: snapshots, a journal, and recovery from both."""
