"""DICOM SEG and SR: written with highdicom, read back with pydicom alone."""
