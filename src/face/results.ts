/** What is found in a face: one plain object, with names in place of indexes and picture pixels in place of [-1, 1]. */
import type { Box, Point } from '../image/crop.ts';
import type { Age, Attribute, Expression, Gender, ParsingClass, Race, Task } from './labels.ts';
import type { Angles, Matrix3 } from './pose.ts';

/** The likeliest class, its probability, and every class's: they add up to 1. */
export interface Choice<Label extends string> {
  label: Label;
  probability: number;
  probabilities: Record<Label, number>;
}

export interface AgeChoice extends Choice<Age> {
  /** The expected age: the classes' midpoints (5, 15, ... 65, and 75 for 70+) weighted by their probabilities. */
  years: number;
}

/** pitch, yaw and roll are degrees, about x to the right, y down and z towards the viewer: R = Rx(pitch) Ry(yaw) Rz(roll). docs/results.md draws them. */
export interface HeadPose {
  pitch: number;
  yaw: number;
  roll: number;
  radians: Angles;
  /** Rotation matrix, row-major. Of the paper's form: the rotation nearest to the network's nine numbers. */
  matrix: Matrix3;
}

export interface Visibility {
  /** Index of the COFW point, 0 to 28. */
  index: number;
  occluded: boolean;
  /** The probability of being occluded. */
  probability: number;
}

/** What colour a class is drawn in: red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number];

export interface Segmentation<Label extends string = ParsingClass> {
  width: number;
  height: number;
  /** One class index per pixel of the crop, resized to width x height, row by row. Index i means `labels[i]`; `maskToPicture` maps it back. */
  classes: Uint8Array;
  labels: readonly Label[];
  /** The classes' colours, in the order of the labels. The first class is the background, which is not drawn. */
  palette: readonly Colour[];
}

/** One face. A task's member is there when the task was asked for and the weights know it. */
export interface Face {
  /** The part of the picture that the network saw: left, top, right, bottom, the last two exclusive. */
  box: Box;
  /** Who said where the face is: a detector, the caller with a box, or the caller who takes the whole picture for one. */
  source?: 'detector' | 'given' | 'whole';
  /** Of the detector, where there was one: how sure it is, 0 to 1, */
  score?: number;
  /** its own box, before it was widened to `box`, */
  detected?: Box;
  /** and the eye on the picture's left, the one on its right, the nose, and the mouth's corners on the left and right, where it gives them. */
  points?: readonly Point[];
  segmentation?: Segmentation;
  /** 68 points of the iBUG 300-W scheme in picture pixels, whose centres have integer coordinates; `LANDMARK_GROUPS` says which is which. */
  landmarks?: Point[];
  headpose?: HeadPose;
  attributes?: Record<Attribute, { probability: number; value: boolean }>;
  visibility?: Visibility[];
  age?: AgeChoice;
  gender?: Choice<Gender>;
  race?: Choice<Race>;
  expression?: Choice<Expression>;
  /** L2-normalised; compare two with `similarity`. */
  recognition?: { embedding: Float32Array };
}

/**
 * Raw outputs of one face, as the network gives them (logits; landmarks in [-1, 1]). Released form: landmarks [136],
 * headpose [3]; paper form: landmarks [68, 2], headpose [3, 3]; segmentation [11, 224, 224].
 */
export type RawOutputs = Partial<Record<Task, Float32Array>>;
