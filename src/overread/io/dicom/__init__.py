"""DICOM image files: headers, series and pixels. What is not a single-frame grey image is refused by name."""
