"""What people look at: overlay.png and report.html."""
