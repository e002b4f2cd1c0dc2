"""An application for some platforms only: tell species of iris apart by their measures.

Run in a built environment with `python -m sklearn_import`. The data set comes with scikit-learn.
"""

from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier


def main() -> None:
    """Learn from three quarters of the flowers and recognise the rest."""
    iris = load_iris()
    known, unknown, species, answers = train_test_split(
        iris.data, iris.target, test_size=0.25, random_state=0, stratify=iris.target
    )
    classifier = KNeighborsClassifier(n_neighbors=5).fit(known, species)
    right = int((classifier.predict(unknown) == answers).sum())
    print(f"flowers learned from: {len(known)}")
    print(f"flowers recognised: {right} of {len(unknown)}")


if __name__ == "__main__":
    main()
