"""Files other than DICOM: research volumes, pictures, video; and what callers say of them."""
