"""PNG, JPEG, TIFF, BMP and PGM files: one picture becomes a Radiograph, numbered ones a Volume on the user's word."""

from overread.io.picture.file import Picture, open_picture
from overread.io.picture.series import OpenedPictures, gather_pictures

__all__ = ["OpenedPictures", "Picture", "gather_pictures", "open_picture"]
