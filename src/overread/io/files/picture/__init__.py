"""PNG, JPEG, TIFF, BMP and PGM files: one picture becomes a Radiograph, numbered ones a Volume on the user's word."""

from overread.io.files.picture.file import Picture, open_picture
from overread.io.files.picture.series import OpenedPictures, gather_pictures

__all__ = ["OpenedPictures", "Picture", "gather_pictures", "open_picture"]
