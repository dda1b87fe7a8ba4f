/** Who goes with whom: the pairs whose costs add up to the least, by the Hungarian method (Kuhn 1955, in the form with potentials). */

/**
 * Pairs rows with columns. A pair may be left out at the cost of `alone`, so no pair that costs as much is made.
 * @param costs [rows][columns], finite or Infinity where a pair is out of the question
 * @returns for each row its column, or undefined
 */
export function assign(costs: readonly (readonly number[])[], alone: number): (number | undefined)[] {
  const rows = costs.length;
  const columns = costs[0]?.length ?? 0;
  // Every row has a column of its own besides, in which it stays alone.
  const width = columns + rows;
  const cost = (row: number, column: number): number => (column < columns ? (costs[row]?.[column] as number) : alone);
  const rowPotential = new Float64Array(rows + 1);
  const columnPotential = new Float64Array(width + 1);
  /** The row of each column, counted from one; 0 is nobody. */
  const rowOf = new Int32Array(width + 1);
  for (let row = 1; row <= rows; row++) {
    rowOf[0] = row;
    const least = new Float64Array(width + 1).fill(Number.POSITIVE_INFINITY);
    const from = new Int32Array(width + 1);
    const used = new Uint8Array(width + 1);
    let at = 0;
    do {
      used[at] = 1;
      const here = rowOf[at] as number;
      let step = Number.POSITIVE_INFINITY;
      let next = 0;
      for (let column = 1; column <= width; column++) {
        if (used[column]) continue;
        const reduced = cost(here - 1, column - 1) - (rowPotential[here] as number) - (columnPotential[column] as number);
        if (reduced < (least[column] as number)) {
          least[column] = reduced;
          from[column] = at;
        }
        if ((least[column] as number) < step) {
          step = least[column] as number;
          next = column;
        }
      }
      for (let column = 0; column <= width; column++)
        if (used[column]) {
          rowPotential[rowOf[column] as number] = (rowPotential[rowOf[column] as number] as number) + step;
          columnPotential[column] = (columnPotential[column] as number) - step;
        } else least[column] = (least[column] as number) - step;
      at = next;
    } while (rowOf[at] !== 0);
    while (at !== 0) {
      const before = from[at] as number;
      rowOf[at] = rowOf[before] as number;
      at = before;
    }
  }
  const found: (number | undefined)[] = Array.from({ length: rows }, () => undefined);
  for (let column = 1; column <= columns; column++) {
    const row = (rowOf[column] as number) - 1;
    if ((costs[row]?.[column - 1] as number) < alone) found[row] = column - 1;
  }
  return found;
}
