"""The command line: arguments, exit codes, progress. No algorithm and no file format here."""
