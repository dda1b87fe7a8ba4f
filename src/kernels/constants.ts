/** The whole numbers that a WGSL text names: `const TILE = 8u;`, and what is made of them. */

const CONSTANT = /\bconst (\w+)(?:: ?u32)? ?= ?([^;]+);/g;

/** The constants by name, whatever the order in which a text declares them. */
export function constantsOf(wgsl: string): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (let known = -1; known < sizes.size; ) {
    known = sizes.size;
    for (const [, name, value] of wgsl.matchAll(CONSTANT)) {
      const size = sizeOf(value as string, sizes);
      if (size !== undefined) sizes.set(name as string, size);
    }
  }
  return sizes;
}

/** The value of `8u * X_QUADS + ROW_GROUPS - 1u` and the like, in whole numbers as WGSL has them; undefined of anything else. */
export function sizeOf(expression: string, sizes: ReadonlyMap<string, number>): number | undefined {
  const tokens = expression.match(/\w+|\S/g) ?? [];
  const atom = (): number => {
    const token = tokens.shift() ?? '';
    if (token !== '(') return sizes.get(token) ?? (/^\d+u?$/.test(token) ? Number.parseInt(token, 10) : Number.NaN);
    const value = sum();
    tokens.shift();
    return value;
  };
  const product = (): number => {
    let value = atom();
    while (/^[*/%]$/.test(tokens[0] ?? '')) {
      const sign = tokens.shift();
      const by = atom();
      value = sign === '*' ? value * by : sign === '/' ? Math.floor(value / by) : value % by;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (/^[-+]$/.test(tokens[0] ?? '')) value += tokens.shift() === '+' ? product() : -product();
    return value;
  };
  const value = sum();
  return tokens.length === 0 && Number.isInteger(value) ? value : undefined;
}
