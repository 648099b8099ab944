"""DICOM images of our own, beside Segmentation and Structured Report: built by pydicom, read back by another path."""
