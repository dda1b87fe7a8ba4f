/** From the network's raw numbers to one plain object per face: names, not indexes; picture pixels, not [-1, 1]. */
import { FaceXFormerError } from '../gpu/errors.ts';
import { type Box, type Point, toPicture } from '../image/crop.ts';
import { SIZE } from '../image/resize.ts';
import type { ModelForm } from '../model/form.ts';
import {
  AGE_MIDPOINTS,
  AGES,
  type Age,
  ATTRIBUTES,
  type Attribute,
  EXPRESSIONS,
  type Expression,
  GENDERS,
  type Gender,
  LANDMARKS,
  PARSING,
  type ParsingClass,
  RACES,
  type Race,
  type Task,
  VISIBILITY_POINTS,
} from './labels.ts';
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

/** pitch, yaw and roll are degrees; pose.ts and docs/results.md say about which axes and in what order. */
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
  /** Of being occluded. */
  probability: number;
}

export interface Segmentation {
  width: number;
  height: number;
  /** One class index per pixel of the crop, resized to width x height, row by row. Index i means `labels[i]`; `maskToPicture` maps it back. */
  classes: Uint8Array;
  labels: readonly ParsingClass[];
}

/** One face. A task's member is there when the task was asked for and the weights know it. */
export interface Face {
  /** The part of the picture that the network saw: left, top, right, bottom, the last two exclusive. */
  box: Box;
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

export interface FaceOrigin {
  /** The box of the picture that was resized to 224 x 224. */
  crop: Box;
  /** The form of the weights that gave the numbers. */
  form: ModelForm;
  /** The argmax over the parsing classes, [224, 224], which the GPU has done: the segmentation is made from it, not from its logits. */
  mask?: Uint8Array | undefined;
}

/**
 * Reads one face's raw outputs.
 * @throws FaceXFormerError GPU_ERROR: an output is not finite or has the wrong length; no NaN comes out
 */
export function faceOf(raw: RawOutputs, { crop, form, mask }: FaceOrigin): Face {
  for (const [task, values] of Object.entries(raw)) mustBeFinite(task, values);
  const face: Face = { box: { ...crop } };
  if (mask) face.segmentation = { width: SIZE, height: SIZE, classes: checkedMask(mask), labels: PARSING.map(({ name }) => name) };
  if (raw.landmarks) face.landmarks = landmarksOf(sized('landmarks', raw.landmarks, 2 * LANDMARKS), crop, form);
  if (raw.headpose) face.headpose = headposeOf(sized('headpose', raw.headpose, form.poseNumbers), form);
  if (raw.attributes) face.attributes = attributesOf(sized('attributes', raw.attributes, ATTRIBUTES.length));
  if (raw.visibility) face.visibility = visibilityOf(sized('visibility', raw.visibility, VISIBILITY_POINTS));
  if (raw.age) face.age = ageOf(raw.age);
  if (raw.gender) face.gender = choiceOf('gender', GENDERS, raw.gender);
  if (raw.race) face.race = choiceOf('race', RACES, raw.race);
  if (raw.expression) face.expression = choiceOf('expression', EXPRESSIONS, raw.expression);
  if (raw.recognition) face.recognition = { embedding: Float32Array.from(raw.recognition) };
  return face;
}

function mustBeFinite(task: string, values: Float32Array): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0)
    throw new FaceXFormerError(
      'GPU_ERROR',
      `The GPU gave ${values[at]} as number ${at} of ${task}. Check the weights, load with dtype 'f32', or report the GPU.`,
    );
}

function sized<Values extends Float32Array | Uint8Array>(task: Task | 'mask', values: Values, length: number): Values {
  if (values.length !== length)
    throw new FaceXFormerError('GPU_ERROR', `The output ${task} has ${values.length} numbers; it must have ${length}.`);
  return values;
}

function landmarksOf(values: Float32Array, crop: Box, { cropPixel }: ModelForm): Point[] {
  return Array.from({ length: LANDMARKS }, (_, i) =>
    toPicture({ x: cropPixel(values[2 * i] as number), y: cropPixel(values[2 * i + 1] as number) }, crop),
  );
}

const degrees = (radians: number): number => (radians * 180) / Math.PI;

function headposeOf(values: Float32Array, form: ModelForm): HeadPose {
  const { radians, matrix } = form.pose(values);
  return { pitch: degrees(radians.pitch), yaw: degrees(radians.yaw), roll: degrees(radians.roll), radians, matrix };
}

/** 1 / (1 + e^-x) without overflow on either side. */
function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

/** Softmax in float64, less the largest logit so that nothing overflows. */
function softmax(logits: Float32Array): number[] {
  const largest = Math.max(...logits);
  const parts = Array.from(logits, (x) => Math.exp(x - largest));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / sum);
}

function choiceOf<Label extends string>(task: Task, labels: readonly Label[], logits: Float32Array): Choice<Label> {
  const p = softmax(sized(task, logits, labels.length));
  const best = logits.indexOf(Math.max(...logits));
  return {
    label: labels[best] as Label,
    probability: p[best] as number,
    probabilities: Object.fromEntries(labels.map((label, i) => [label, p[i]])) as Record<Label, number>,
  };
}

function ageOf(logits: Float32Array): AgeChoice {
  const choice = choiceOf('age', AGES, logits);
  return { ...choice, years: AGES.reduce((sum, label, i) => sum + choice.probabilities[label] * (AGE_MIDPOINTS[i] as number), 0) };
}

function attributesOf(logits: Float32Array): NonNullable<Face['attributes']> {
  const entries = ATTRIBUTES.map((name, i) => [name, { probability: sigmoid(logits[i] as number), value: (logits[i] as number) >= 0 }]);
  return Object.fromEntries(entries) as NonNullable<Face['attributes']>;
}

function visibilityOf(logits: Float32Array): Visibility[] {
  return Array.from(logits, (x, index) => ({ index, occluded: x >= 0, probability: sigmoid(x) }));
}

function checkedMask(mask: Uint8Array): Uint8Array {
  const wrong = sized('mask', mask, SIZE * SIZE).find((k) => k >= PARSING.length);
  if (wrong !== undefined)
    throw new FaceXFormerError('GPU_ERROR', `The parsing mask holds class ${wrong}; the last one is ${PARSING.length - 1}.`);
  return Uint8Array.from(mask);
}
