"""Classifiers of the hippocampus task beside each other, on the same rows and through the same post-processing.

    python -m overread_lab.studies.hippocampus_classifiers --data ../shared/data/hippocampus_mr --work rows --each 12

Per fold: 20 cases of the other folds make the atlas and the rows to learn from; `--each` cases of the fold are
answered. Rows and scores are kept under `--work`: a run that was cut short goes on, and one that was finished prints
again at once. What is asked (`--part`):

- `classifiers`: prior, linear and Gaussian machines, forest, self-paced machines;
- `labels`: self-paced against plain machines where labels of the training cases are wrong, on half the voxels; here
  one machine learns from three quarters of the training cases and gets its threshold on the rest;
- `features`: which of the features are needed, and what fewer of them cost and save;
- `chain`: fractional enhancement in front of the features, and the whole chain of Han & Xu 2021.

Every classifier is brought to one spread of decisions, gets its threshold and its plane rule from left-out training
cases (outlined right, whatever it learned from), and keeps the outlines apart by the same plan as the task. The
parameters of the task were tried on cases of fold 0 only, so folds 1 to 4 are told apart from all.
"""
