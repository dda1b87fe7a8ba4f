/** What a prediction head of the network is to everybody behind it: one row of the table in tasks.ts. */

import { gpuError } from '../../gpu/errors.ts';
import type { Box } from '../../image/crop.ts';
import type { Form } from '../forms.ts';
import type { Pen } from '../pen.ts';
import type { Colour } from '../results.ts';

/** Where a face's numbers come from. */
export interface Origin {
  /** The box of the picture that was resized to a square. */
  readonly crop: Box;
  /** Side of that square, in pixels; 224 unless told otherwise. */
  readonly side?: number | undefined;
  /** The form of the weights that gave the numbers. */
  readonly form: Form;
}

/** What the network gives for a task: float32, or bytes where the GPU has made them of its output. */
export type Numbers = Float32Array | Uint8Array;

/** A share from 0 to 1, as a bar shows it. */
export interface Bar {
  readonly label: string;
  readonly part: number;
  /** Whether it is the answer, or one of the answers. */
  readonly top?: boolean;
  /** Red, green and blue, 0 to 255, of a class that has a colour. */
  readonly colour?: Colour;
}

/** What a page shows of a result, without saying how: whatever of it is there, in this order. */
export interface Card {
  /** The answer in a few words, and what is to be said of it in small print. */
  readonly answer?: string;
  readonly small?: string;
  readonly note?: string;
  /** A name and its value. */
  readonly rows?: readonly (readonly [string, string])[];
  readonly bars?: readonly Bar[];
  /** Numbered points of two kinds. */
  readonly dots?: readonly { readonly on: boolean; readonly title: string }[];
  /** Numbers as a strip of shades. */
  readonly strip?: ArrayLike<number>;
  /** A table to be shown when it is asked for. The first cell of a row is its name, where `named`. */
  readonly details?: { readonly summary: string; readonly named: boolean; readonly rows: readonly (readonly string[])[] };
}

/** A head whose numbers mean a `Found`. */
export interface Reading<Found> {
  /** What it is called. */
  readonly title: string;
  /** What its numbers or classes are called, in their order, where they have names. */
  readonly labels?: readonly string[];
  /** The tensor that is read for it, where that is not the raw output of the task's name: bytes, which the GPU made of the output. */
  readonly reads?: 'mask';
  /**
   * Makes the result of one face's numbers, which are finite.
   * @throws FaceXFormerError GPU_ERROR when they are too few or too many
   */
  read(values: Numbers, origin: Origin): Found;
  /** The result in the caption under a face: some words beside those of other tasks, or lines of its own. */
  caption?(found: Found): { readonly words: string } | { readonly line: string };
  /** The result as one line of text. */
  line(found: Found): string;
  /** The result as a page shows it. */
  card(found: Found): Card;
  /** How the result is drawn over the picture: areas go under all lines. */
  readonly drawn?: { readonly as: 'area' | 'lines'; draw(pen: Pen, found: Found, box: Box): void };
}

/** The numbers, if they are as many as they must be. @throws FaceXFormerError GPU_ERROR */
export function sized<Values extends ArrayLike<number>>(output: string, values: Values, length: number): Values {
  if (values.length !== length) throw gpuError(`The output ${output} has ${values.length} numbers; it must have ${length}.`);
  return values;
}

/** 1 / (1 + e^-x) without overflow on either side. */
export function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

/** A number with some decimals, and no minus before a zero. */
export const fixed = (value: number, decimals: number): string => value.toFixed(decimals).replace(/^-(?=[0.]+$)/, '');

/** A share as a person reads it; with a decimal where it is small. */
export const percent = (part: number): string => `${(100 * part).toFixed(part < 0.0995 ? 1 : 0)} %`;

/** A label that the data set writes with underscores. */
export const spaced = (label: string): string => label.replaceAll('_', ' ');
