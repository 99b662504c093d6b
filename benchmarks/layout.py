"""How large the package is, and how its functions are: `python -m benchmarks.layout [FOLDER OF SOURCES]`.

Run it on two checkouts to compare them.
"""

import argparse
import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

ON_SCORE = re.compile(
    r"label is (?:not )?None|ranks is (?:not )?None|anomaly_scores is (?:not )?None|(?:is|is not) (?:ANOMALY|FRAUD)\b"
)
ON_MODEL = re.compile(
    r"(?:model_kind|kind|model|\.name) (?:==|!=|in|not in) [\"'(]?\w*(?:xgboost|onnx|isolation|XGBOOST|ONNX|ISOLATION)"
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(tree: ast.AST) -> Iterator[int]:
    """The lines of each function, without its decorators."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def main() -> None:
    """Print one line for each thing that is counted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layout", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("src"))
    texts = [path.read_text() for path in sorted(parser.parse_args().folder.rglob("*.py"))]
    trees = [ast.parse(text) for text in texts]
    lengths = sorted(length for tree in trees for length in functions_of(tree))
    counted = {
        "modules": len(texts),
        "lines": sum(text.count("\n") for text in texts),
        "statements": sum(isinstance(node, ast.stmt) for tree in trees for node in ast.walk(tree)),
        "classes": sum(isinstance(node, ast.ClassDef) for tree in trees for node in ast.walk(tree)),
        "functions": len(lengths),
        "lines of a function, median": statistics.median(lengths),
        "lines of a function, 90th percentile": lengths[len(lengths) * 9 // 10],
        "lines of a function, at most": lengths[-1],
        "branches on the kind of score": sum(len(ON_SCORE.findall(text)) for text in texts),
        "branches on the kind of model": sum(len(ON_MODEL.findall(text)) for text in texts),
    }
    for name, count in counted.items():
        print(f"{name:40} {count:>9,}")


if __name__ == "__main__":
    main()
