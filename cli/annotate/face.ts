/** A face in few bytes: three decimals, and its mask as runs or as a file in place of 50,176 numbers. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type FaceJson, faceToJson } from '../../src/face/json.ts';
import type { Face, Segmentation } from '../../src/face/results.ts';
import type { ChosenWeights } from '../../tools/terminal/weights.ts';

/** Of a mask: class and length of each run, row by row, from the top left. */
export interface Runs {
  readonly width: number;
  readonly height: number;
  readonly labels: readonly string[];
  readonly runs: readonly number[];
}

/** Of a mask in a file of its own: a PNG whose palette's indices are the classes. */
export interface MaskFile {
  readonly width: number;
  readonly height: number;
  readonly labels: readonly string[];
  readonly file: string;
}

/** A face as it is written: `Face` as JSON, but for the mask. */
export type FaceRow = Omit<FaceJson, 'segmentation'> & { readonly segmentation?: Runs | MaskFile };

/** What `analyze --json` writes. */
export const analysisOf = (
  adapter: unknown,
  weights: ChosenWeights,
  pictures: readonly { readonly faces: readonly FaceJson[]; readonly timings: object }[],
): object => ({
  schema: 'facexformer-webgpu/analysis/1',
  adapter,
  weights: 'file' in weights ? { file: pathToFileURL(resolve(weights.file)).href } : { ...weights, untrained: true },
  pictures: pictures.map((result) => ({ ...result, faces: result.faces.map((face) => rowOfFace(face)), timings: rounded(result.timings) })),
});

/** Decimals of numbers; of an embedding's, all of which are small; and of a rotation's, which is one no longer when it is rounded to fewer. */
const DECIMALS = 3;
const EMBEDDING_DECIMALS = 5;
const ROTATION_DECIMALS = 7;

/** @param file where the mask is, if it is in a file */
export function rowOfFace(face: Face | FaceJson, file?: string): FaceRow {
  const { segmentation, recognition, headpose, ...others } = faceToJson(face as Face);
  return {
    ...(rounded(others, DECIMALS) as FaceJson),
    ...(headpose && { headpose: { ...(rounded(headpose) as typeof headpose), matrix: rounded(headpose.matrix, ROTATION_DECIMALS) } }),
    ...(recognition && { recognition: rounded(recognition, EMBEDDING_DECIMALS) as FaceJson['recognition'] }),
    ...(segmentation && { segmentation: file === undefined ? runsOf(segmentation) : { ...sizesOf(segmentation), file } }),
  } as FaceRow;
}

const sizesOf = ({ width, height, labels }: Pick<Runs, 'width' | 'height' | 'labels'>) => ({ width, height, labels });

export function runsOf({ classes, ...mask }: Pick<Segmentation, 'width' | 'height' | 'labels'> & { classes: ArrayLike<number> }): Runs {
  const runs: number[] = [];
  for (let i = 0; i < classes.length; i++) {
    if (i > 0 && classes[i] === classes[i - 1]) runs[runs.length - 1] = (runs.at(-1) as number) + 1;
    else runs.push(classes[i] as number, 1);
  }
  return { ...sizesOf(mask), runs };
}

/** The classes that runs stand for. */
export function classesOf({ width, height, runs }: Pick<Runs, 'width' | 'height' | 'runs'>): Uint8Array {
  const classes = new Uint8Array(width * height);
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const end = at + (runs[i + 1] as number);
    classes.fill(runs[i] as number, at, end);
    at = end;
  }
  return classes;
}

/** Every number of a value, however deep, with so many decimals. */
export function rounded(value: unknown, decimals = DECIMALS): unknown {
  if (typeof value === 'number') return Number(value.toFixed(decimals)) + 0;
  if (Array.isArray(value)) return value.map((one) => rounded(one, decimals));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, rounded(member, decimals)]));
}
