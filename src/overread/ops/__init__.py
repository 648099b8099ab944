"""Operations on images: filter, label, resample, describe. Arrays and grids in, arrays and grids out; no state."""
