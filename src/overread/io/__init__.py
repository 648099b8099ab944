"""Files to images with their place in the patient and a verdict on the geometry."""
