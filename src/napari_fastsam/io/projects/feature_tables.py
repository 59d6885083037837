"""Tables of features: what changed between two, and as CSV that keeps the types of its columns."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.io.results.results import write_whole

if TYPE_CHECKING:
    import pandas as pd

_TRUTH = {"True": True, "False": False, "": None}
"""What a column of truth values has as text."""


@dataclass(frozen=True, eq=False)
class FeatureChange:
    """Rows of a features table that are there after a step.

    Attributes
    ----------
    dtypes
        Of all columns, in their order.
    rows
        The rows that are new or changed, a value a column.
    gone
        Objects whose rows are gone.
    is_whole
        Whether these are all rows.
    """

    dtypes: Mapping[str, str]
    rows: tuple[tuple[Any, ...], ...]
    gone: tuple[int, ...] = ()
    is_whole: bool = False


def features_after(table: pd.DataFrame | None, change: FeatureChange) -> pd.DataFrame:
    """Return a features table after a change."""
    import pandas as pd

    new = table_of(change.dtypes, change.rows)
    if change.is_whole or table is None or not len(table):
        return new
    kept = table[~table["index"].isin({*new["index"], *change.gone})].reindex(columns=list(change.dtypes))
    whole = pd.concat([part for part in (kept, new) if len(part)], ignore_index=True) if len(kept) else new
    return typed(whole, change.dtypes)


def table_of(dtypes: Mapping[str, str], rows: tuple[tuple[Any, ...], ...]) -> pd.DataFrame:
    """Return a table of rows with columns of these types."""
    import pandas as pd

    columns = {name: pd.Series([row[i] for row in rows], dtype=object) for i, name in enumerate(dtypes)}
    return typed(pd.DataFrame(columns), dtypes)


def typed(table: pd.DataFrame, dtypes: Mapping[str, str]) -> pd.DataFrame:
    """Return a table whose columns have these types, as far as their values allow."""
    for name, dtype in dtypes.items():
        if name in table and str(table[name].dtype) != dtype:
            try:
                table[name] = table[name].astype(dtype)
            except (TypeError, ValueError):
                table[name] = table[name].astype(object)
    return table


def change_between(before: pd.DataFrame | None, after: pd.DataFrame) -> FeatureChange | None:
    """Return what of a features table changed; None if nothing did.

    Parameters
    ----------
    before, after
        Tables with a row an object; the column `index` says which. A table without it, or with two rows of one object,
        is taken whole.
    """
    if before is not None and _is_same(before, after):
        return None
    dtypes = {str(name): str(after[name].dtype) for name in after.columns}
    if before is None or not _tells_objects(before) or not _tells_objects(after):
        return FeatureChange(dtypes, _rows(after), is_whole=True)
    same = _same_rows(before, after)
    old = {row[0]: row for row in _keyed(before[~np.append(same, np.zeros(len(before) - len(same), bool))], after)}
    new = after[~np.append(same, np.zeros(len(after) - len(same), bool))]
    rows = _keyed(new, after)
    changed = [i for i, row in enumerate(rows) if old.get(row[0]) != row]
    gone = tuple(sorted(old.keys() - {row[0] for row in rows}))
    if 2 * len(changed) > len(after):
        return FeatureChange(dtypes, _rows(after), is_whole=True)
    return FeatureChange(dtypes, _rows(new.iloc[changed]), gone)


def write_features(path: Path, table: pd.DataFrame) -> dict[str, str]:
    """Write a table as CSV, whole or not at all; returns the types of its columns, which CSV does not keep.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = io.StringIO()
    table.to_csv(text, index=False, lineterminator="\n")
    write_whole(path, lambda file: file.write_text(text.getvalue(), encoding="utf-8"))
    return {str(name): str(table[name].dtype) for name in table.columns}


def read_features(path: Path, dtypes: Mapping[str, str]) -> pd.DataFrame | None:
    """Return the table of a CSV file; None if there is no file.

    Raises
    ------
    LabelsError
        If the file is damaged.
    """
    import pandas as pd

    try:
        texts = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        return None
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (OSError, ValueError) as error:
        raise LabelsError(f"{path} cannot be read ({error}); put back a copy of it, or remove it") from error
    if "index" in texts:
        _check_numbers(path, texts["index"])
    return typed(pd.DataFrame({name: _parsed(texts[name], dtypes.get(str(name), "")) for name in texts}), dtypes)


def _check_numbers(path: Path, texts: pd.Series) -> None:
    """Raise LabelsError if an object is called by something else than its number."""
    import pandas as pd

    wrong = texts[pd.to_numeric(texts, errors="coerce").isna() & (texts != "")]
    if len(wrong):
        raise LabelsError(
            f"{path} calls an object {wrong.iloc[0]!r}; expected its number: put back a copy of it, or remove it"
        )


def _parsed(texts: pd.Series, dtype: str) -> pd.Series:
    """Return the values of a column of texts."""
    import pandas as pd

    if dtype.lower().startswith(("int", "uint", "float")) or not dtype:
        numbers = pd.to_numeric(texts.where(texts != ""), errors="coerce")
        if dtype or int(numbers.notna().sum()) == int((texts != "").sum()):
            return numbers if numbers.dtype.kind != "f" else _exact(numbers, texts)
    if dtype == "bool":
        return texts == "True"
    if _TRUTH.keys() >= set(texts) != {""}:  # of some objects it is not known, as of those that were added since
        return texts.map(_TRUTH).astype(object)
    return texts.astype(object)


def _exact(numbers: pd.Series, texts: pd.Series) -> pd.Series:
    """Return the numbers to their last digit: pandas before 3 reads another one (pandas-dev/pandas, issue 17154)."""
    known = numbers.notna()
    return numbers.mask(known, texts[known].map(float))


def _tells_objects(table: pd.DataFrame) -> bool:
    return "index" in table and bool(table["index"].is_unique)


def _is_same(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    return list(before.columns) == list(after.columns) and bool(
        before.reset_index(drop=True).equals(after.reset_index(drop=True))
    )


def _rows(table: pd.DataFrame) -> tuple[tuple[Any, ...], ...]:
    columns = [[_plain(value) for value in known_cells(table[name])] for name in table.columns]
    return tuple(zip(*columns, strict=True)) if len(table) else ()


def _same_rows(before: pd.DataFrame, after: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows at the same place of two tables are the same, as far as both go."""
    count = min(len(before), len(after))
    same = np.full(count, list(before.columns) == list(after.columns))
    if same.any():
        for name in after.columns:
            old, new = before[name].iloc[:count].reset_index(drop=True), after[name].iloc[:count].reset_index(drop=True)
            same &= ((old == new) | (old.isna() & new.isna())).to_numpy(bool, na_value=False)
    return same


def _keyed(table: pd.DataFrame, like: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return the rows as plain values, the object's number in front, in the columns of another table."""
    rows = _rows(table.reindex(columns=list(like.columns)))
    return [(int(number), *row) for number, row in zip(table["index"], rows, strict=True)]


def known_cells(column: pd.Series) -> pd.Series:
    """Return a column with None in place of whatever says that a value is missing: pandas has four."""
    return column.astype(object).where(column.notna(), None)


def _plain(value: Any) -> Any:
    """Return a cell as JSON knows it."""
    value = value.item() if hasattr(value, "item") else value
    if value is None:
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)
