/**
 * Products with nothing but their sums, as a yardstick: what compilers make of `matmul`, which can norm, activate, add and gather, may be no more
 * than a tenth above what they make of a program that can do nothing but multiply, of the same machine shape.
 */
import { specialise } from '../../src/kernels/kernel.ts';
import { type MatmulTile, matmulWith, threadsOf, tileOf } from '../../src/kernels/matmul/matmul.ts';
import type { Figures, Measured } from './measured.ts';

export interface BareProduct {
  readonly tile: MatmulTile;
  readonly rows: number;
  readonly inner: number;
  readonly cols: number;
  readonly shares: number;
}

const of = (tile: string, sums: string, rows: number, inner: number, cols: number, shares: number): BareProduct => ({
  tile: tileOf(tile, sums),
  rows,
  inner,
  cols,
  shares,
});

/** The machine shapes of the desktop's table, each at a product that has it, and the two of more sums a thread that the tuner may choose. */
export const BARE_PRODUCTS: readonly BareProduct[] = [
  of('32x64', '4x4', 196, 2048, 512, 16),
  of('64x64', '4x4', 49, 4096, 1024, 16),
  of('16x128', '4x4', 784, 1024, 256, 4),
  of('28x64', '7x4', 196, 2048, 512, 16),
  of('28x64', '7x8', 196, 2048, 512, 16),
];

/** How far above the yardstick instructions and registers may be, and how far below it waves. */
const TENTH = 0.1;

export const nameOf = ({ tile: { TILE_ROWS, TILE_QUADS, ROWS, QUADS } }: BareProduct): string =>
  `${TILE_ROWS}x${4 * TILE_QUADS} ${ROWS}x${4 * QUADS}`;

const times = (count: number, line: (i: number) => string): string => Array.from({ length: count }, (_, i) => line(i)).join('\n');

/** WGSL of y [shares][rows, cols] = x [rows, inner] w [inner, cols], a step read ahead. */
export function bareWgsl({ tile, rows, inner, cols, shares }: BareProduct): string {
  const { TILE_ROWS, TILE_QUADS, ROWS, QUADS, TILE_K } = tile;
  const threads = threadsOf(tile);
  const across = TILE_QUADS / QUADS;
  const [ofX, ofW] = [(TILE_ROWS * TILE_K) / 4, TILE_K * TILE_QUADS];
  const item = (i: number, count: number) =>
    `${(i + 1) * threads > count ? 'min(' : '('}thread + ${i * threads}u${(i + 1) * threads > count ? `, ${count - 1}u` : ''})`;
  const guard = (i: number, count: number) => ((i + 1) * threads > count ? `if (thread + ${i * threads}u < ${count}u)` : '');
  const place = (i: number, size: number) => `[(thread + ${i * threads}u) / ${size}u][(thread + ${i * threads}u) % ${size}u]`;
  const [eachX, eachW] = [Math.ceil(ofX / threads), Math.ceil(ofW / threads)];
  const fetch = `
${times(eachX, (i) => `nextX${i} = x[min(row0 + ${item(i, ofX)} / ${TILE_K / 4}u, ${rows - 1}u) * ${inner / 4}u + k / 4u + ${item(i, ofX)} % ${TILE_K / 4}u];`)}
${times(eachW, (i) => `nextW${i} = w[(k + ${item(i, ofW)} / ${TILE_QUADS}u) * ${cols / 4}u + group.x * ${TILE_QUADS}u + ${item(i, ofW)} % ${TILE_QUADS}u];`)}`;
  const multiply = (c: number) => `
${times(QUADS, (v) => `let w${c}_${v} = ws[q * 4u + ${c}u][column + ${v * across}u];`)}
${times(ROWS, (i) => times(QUADS, (v) => `sum${i}_${v} = fma(vec4f(x${i}.${'xyzw'[c]}), w${c}_${v}, sum${i}_${v});`))}`;
  return `@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
var<workgroup> xs: array<array<vec4f, ${TILE_K / 4 + 1}>, ${TILE_ROWS}>;
var<workgroup> ws: array<array<vec4f, ${TILE_QUADS}>, ${TILE_K}>;
@compute @workgroup_size(${threads})
fn bare(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let column = thread % ${across}u;
  let down = thread / ${across}u;
  let row0 = group.y * ${TILE_ROWS}u;
  let k0 = group.z * ${inner / shares}u;
  let end = min(${inner / shares}u, ${inner / shares}u * grid.x); // which compilers do not know, and so write out no turn
${times(ROWS * QUADS, (i) => `var sum${Math.floor(i / QUADS)}_${i % QUADS} = vec4f();`)}
${times(eachX, (i) => `var nextX${i}: vec4f;`)}
${times(eachW, (i) => `var nextW${i}: vec4f;`)}
  {
    let k = k0;
    ${fetch}
  }
  for (var step = 0u; step < end; step += ${TILE_K}u) {
${times(eachX, (i) => `${guard(i, ofX)} { xs${place(i, TILE_K / 4)} = nextX${i}; }`)}
${times(eachW, (i) => `${guard(i, ofW)} { ws${place(i, TILE_QUADS)} = nextW${i}; }`)}
    workgroupBarrier();
    {
      let k = k0 + min(step + ${TILE_K}u, ${inner / shares - TILE_K}u);
      ${fetch}
    }
    for (var q = 0u; q < ${TILE_K / 4}u; q++) {
${times(ROWS, (i) => `let x${i} = xs[down * ${ROWS}u + ${i}u][q];`)}
${times(4, multiply)}
    }
    workgroupBarrier();
  }
${times(
  ROWS,
  (i) => `{
    let row = row0 + down * ${ROWS}u + ${i}u;
    if (row < ${rows}u) {
${times(QUADS, (v) => `y[(group.z * ${rows}u + row) * ${cols / 4}u + group.x * ${TILE_QUADS}u + column + ${v * across}u] = sum${i}_${v};`)}
    }
  }`,
)}
}`;
}

/** A line for each figure in which `matmul` is more than a tenth worse than the bare product. */
export function worseThanBare(gpu: string, name: string, own: Figures, bare: Figures): string[] {
  const figure = (figures: Figures, which: string) => figures[which] ?? Number.NaN;
  const line = (which: string, words: string) =>
    `${gpu}: matmul ${name}: ${figure(own, which)} ${words}, where a bare product of that machine shape has ${figure(bare, which)}`;
  return [
    ...(['loop', 'registers'] as const)
      .filter((which) => !(figure(own, which) <= (1 + TENTH) * figure(bare, which)))
      .map((which) => line(which, which === 'loop' ? 'instructions in the loop' : which)),
    ...(figure(own, 'waves') >= (1 - TENTH) * figure(bare, 'waves') ? [] : [line('waves', 'waves')]),
    ...(figure(own, 'spills') === 0 ? [] : [line('spills', 'spills')]),
  ];
}

/** Compiles them all and compares. */
export async function compareWithBare(gpu: string, measure: (wgsl: string) => Promise<Measured>): Promise<string[]> {
  const lines: string[] = [];
  for (const product of BARE_PRODUCTS) {
    const { tile, ...shape } = product;
    const kernel = matmulWith(() => tile);
    const [own, bare] = [await measure(specialise(kernel, kernel.launch(shape))), await measure(bareWgsl(product))];
    const said = ({ figures: { loop, registers, waves } }: Measured) => `${loop} instructions, ${registers} registers, ${waves} waves`;
    console.log(`matmul ${nameOf(product)}: ${said(own)}; bare: ${said(bare)}`);
    lines.push(...worseThanBare(gpu, nameOf(product), own.figures, bare.figures));
  }
  return lines;
}
