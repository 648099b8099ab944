"""Which attributes of a CT or MR slice pass to an image derived from it; everything else stays behind.

A list of what may pass is safer than one of what may not: private attributes, those of other objects, overlays,
signatures and padding values of the old samples are never copied by accident. Modules are those of PS3.3.
"""

from __future__ import annotations

SERIES = ("PatientPosition", "ProtocolName")
PLACE = ("FrameOfReferenceUID", "PositionReferenceIndicator")
PLANE = (
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "SliceThickness",
    "SpacingBetweenSlices",
    "SliceLocation",
)
IMAGE = ("AcquisitionDate", "AcquisitionTime", "AcquisitionNumber", "BurnedInAnnotation", "RecognizableVisualFeatures")
CONTRAST = (
    "ContrastBolusAgent",
    "ContrastBolusRoute",
    "ContrastBolusVolume",
    "ContrastBolusStartTime",
    "ContrastBolusStopTime",
    "ContrastBolusTotalDose",
    "ContrastFlowRate",
    "ContrastFlowDuration",
    "ContrastBolusIngredient",
    "ContrastBolusIngredientConcentration",
)
CT = (
    "KVP",
    "ScanOptions",
    "DataCollectionDiameter",
    "DistanceSourceToDetector",
    "DistanceSourceToPatient",
    "GantryDetectorTilt",
    "TableHeight",
    "RotationDirection",
    "ExposureTime",
    "XRayTubeCurrent",
    "Exposure",
    "ExposureInuAs",
    "FilterType",
    "GeneratorPower",
    "FocalSpots",
    "ConvolutionKernel",
    "ReconstructionDiameter",
    "RevolutionTime",
    "SingleCollimationWidth",
    "TotalCollimationWidth",
    "TableSpeed",
    "TableFeedPerRotation",
    "SpiralPitchFactor",
    "ExposureModulationType",
    "EstimatedDoseSaving",
    "CTDIvol",
)
MR = (
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "MRAcquisitionType",
    "RepetitionTime",
    "EchoTime",
    "EchoTrainLength",
    "InversionTime",
    "TriggerTime",
    "SequenceName",
    "AngioFlag",
    "NumberOfAverages",
    "ImagingFrequency",
    "ImagedNucleus",
    "EchoNumbers",
    "MagneticFieldStrength",
    "NumberOfPhaseEncodingSteps",
    "PercentSampling",
    "PercentPhaseFieldOfView",
    "PixelBandwidth",
    "ReceiveCoilName",
    "TransmitCoilName",
    "AcquisitionMatrix",
    "InPlanePhaseEncodingDirection",
    "FlipAngle",
    "VariableFlipAngleFlag",
    "SAR",
    "dBdt",
    "TemporalPositionIdentifier",
    "NumberOfTemporalPositions",
    "TemporalResolution",
)
MAY_BE_EMPTY = {
    "CT": ("PositionReferenceIndicator", "SliceThickness", "AcquisitionNumber", "PatientPosition", "KVP"),
    "MR": (
        "PositionReferenceIndicator",
        "SliceThickness",
        "PatientPosition",
        "ScanOptions",
        "MRAcquisitionType",
        "RepetitionTime",
        "EchoTime",
        "EchoTrainLength",
    ),
}
"""By modality: type 2, so written empty where the source lacks them."""
