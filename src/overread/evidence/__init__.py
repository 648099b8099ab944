"""A reading to files that others can open: JSON, CSV, pictures, DICOM SEG and SR, report; each read back."""
