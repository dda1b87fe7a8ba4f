/** A head pose as a cube that is turned alike: its front is where the face is. */
import type { Matrix3 } from '../src/index.ts';
import { make } from '../tools/page/dom.ts';

const SIDE = 96;
/** Corners by their signs along the head's own axes: right, down, and the way that the face looks. */
const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [i & 1 ? 1 : -1, i & 2 ? 1 : -1, i & 4 ? 1 : -1] as const);
/** The six faces as rings of corners; the last one looks ahead. */
const SIDES = [
  [0, 1, 3, 2],
  [0, 1, 5, 4],
  [2, 3, 7, 6],
  [0, 2, 6, 4],
  [1, 3, 7, 5],
  [4, 5, 7, 6],
] as const;

export function cube(matrix: Matrix3): HTMLCanvasElement {
  const canvas = make('canvas', 'cube');
  Object.assign(canvas, { width: 2 * SIDE, height: 2 * SIDE });
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', 'A cube turned as the head is');
  const ctx = canvas.getContext('2d');
  if (!ctx) return canvas;
  const at = CORNERS.map(([x, y, z]) => {
    const along = (row: number) => matrix[row] as number;
    const turned = [0, 3, 6].map((row) => along(row) * x + along(row + 1) * y + along(row + 2) * z) as [number, number, number];
    return { x: SIDE + 0.5 * SIDE * turned[0], y: SIDE + 0.5 * SIDE * turned[1], depth: turned[2] };
  });
  const depth = (ring: readonly number[]) => ring.reduce((sum, i) => sum + (at[i]?.depth ?? 0), 0);
  const front = SIDES[5];
  ctx.lineWidth = 3;
  ctx.lineJoin = 'round';
  for (const ring of [...SIDES].sort((a, b) => depth(a) - depth(b))) {
    ctx.beginPath();
    for (const i of ring) ctx.lineTo(at[i]?.x ?? 0, at[i]?.y ?? 0);
    ctx.closePath();
    ctx.fillStyle = ring === front ? '#7db0ff' : '#8a93a3';
    ctx.strokeStyle = '#16191d';
    ctx.fill();
    ctx.stroke();
  }
  return canvas;
}
