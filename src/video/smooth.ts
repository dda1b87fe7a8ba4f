/** A face along its track: points and pose by One-Euro filters, probabilities by their mean, so that labels do not change with every frame. */
import type { Choice, Face, HeadPose } from '../face/results.ts';
import { anglesOf, nearestRotation } from '../face/rotation.ts';
import type { Point } from '../image/crop.ts';
import { OneEuro } from './one-euro.ts';

/**
 * Points move together, so where the face is and how large it is are filtered apart from its shape: of the mean of 68 points there is little noise, and it
 * may follow quickly; a shape changes slowly, and may be held still. Units are the face's size, and radians.
 */
const PLACE = { still: 0.15, quick: 12, noise: 0.3 };
const SIZE = { still: 0.15, quick: 4, noise: 0.1 };
const SHAPE = { still: 0.15, quick: 2, noise: 0.2 };
const POSE = { still: 0.2, quick: 3, noise: 0.7 };
/** Probabilities are averaged over so many looks. */
const LOOKS = 10;

const DEGREES = 180 / Math.PI;

/** What is kept of one track. */
export class FaceSmoother {
  readonly #place = new OneEuro(PLACE);
  readonly #size = new OneEuro(SIZE);
  #shape: OneEuro[] = [];
  readonly #pose = new OneEuro(POSE);
  readonly #means = new Map<string, { looks: number; values: Float64Array }>();
  #unit = 1;

  /**
   * The face as it is believed to be, with everything that this one does not have left as it is; what it was is not changed.
   * @param seconds since the track's face before
   */
  next(face: Face, seconds: number): Face {
    const choices = Object.entries(face).filter((one): one is [string, Choice<string>] => Object(one[1]).probabilities);
    return {
      ...face,
      ...Object.fromEntries(choices.map(([task, choice]) => [task, this.#choice(task, choice)])),
      ...(face.landmarks && { landmarks: this.#points(face.landmarks, seconds) }),
      ...(face.headpose && { headpose: this.#turned(face.headpose, seconds) }),
      ...(face.attributes && { attributes: this.#attributes(face.attributes) }),
      ...(face.visibility && { visibility: this.#visibility(face.visibility) }),
    };
  }

  #points(points: readonly Point[], seconds: number): Point[] {
    const count = points.length || 1;
    const x = points.reduce((sum, point) => sum + point.x, 0) / count;
    const y = points.reduce((sum, point) => sum + point.y, 0) / count;
    const radius = Math.sqrt(points.reduce((sum, point) => sum + (point.x - x) ** 2 + (point.y - y) ** 2, 0) / count) || 1;
    // A face is about three such radii high. Its unit stays what it was, or a place that is filtered would jump with it.
    if (this.#shape.length !== points.length) {
      this.#unit = 3 * radius;
      this.#shape = points.map(() => new OneEuro(SHAPE));
    }
    const [cx, cy] = this.#place.next([x / this.#unit, y / this.#unit], seconds) as unknown as [number, number];
    const size = Math.exp(this.#size.next([Math.log(radius)], seconds)[0] as number);
    return points.map((point, i) => {
      const shape = this.#shape[i] as OneEuro;
      // A shape's own unit is the radius; speeds are said in sizes of the face.
      const [dx, dy] = shape.next([(point.x - x) / radius / 3, (point.y - y) / radius / 3], seconds) as unknown as [number, number];
      return { x: cx * this.#unit + 3 * dx * size, y: cy * this.#unit + 3 * dy * size };
    });
  }

  #turned(pose: HeadPose, seconds: number): HeadPose {
    const matrix = nearestRotation(this.#pose.next(pose.matrix, seconds));
    const radians = anglesOf(matrix);
    return { pitch: radians.pitch * DEGREES, yaw: radians.yaw * DEGREES, roll: radians.roll * DEGREES, radians, matrix };
  }

  #choice(task: string, choice: Choice<string> & { readonly years?: number }): Choice<string> {
    const labels = Object.keys(choice.probabilities);
    const means = this.#mean(task, Object.values(choice.probabilities));
    const top = means.reduce((best, value, i) => (value > (means[best] as number) ? i : best), 0);
    const probabilities = Object.fromEntries(labels.map((label, i) => [label, means[i]])) as Record<string, number>;
    const years = choice.years !== undefined && { years: this.#mean(`${task}, years`, [choice.years])[0] };
    return { ...choice, ...years, label: labels[top] as string, probability: means[top] as number, probabilities };
  }

  #attributes(attributes: NonNullable<Face['attributes']>): NonNullable<Face['attributes']> {
    const names = Object.keys(attributes) as (keyof typeof attributes)[];
    const seen = names.map((name) => attributes[name].probability);
    const means = this.#mean('attributes', seen);
    const said = names.map((name, i) => [name, { probability: means[i], value: (means[i] as number) >= 0.5 }]);
    return Object.fromEntries(said) as typeof attributes;
  }

  #visibility(visibility: NonNullable<Face['visibility']>): NonNullable<Face['visibility']> {
    const seen = visibility.map(({ probability }) => probability);
    const means = this.#mean('visibility', seen);
    return visibility.map((point, i) => ({ ...point, probability: means[i] as number, occluded: (means[i] as number) >= 0.5 }));
  }

  /** The mean of what was seen of the track, in which the last looks count for more once there were many. */
  #mean(name: string, values: readonly number[]): Float64Array {
    const mean = this.#means.get(name) ?? { looks: 0, values: new Float64Array(values.length) };
    mean.looks = Math.min(LOOKS, mean.looks + 1);
    for (let i = 0; i < values.length; i++)
      mean.values[i] = (mean.values[i] as number) + ((values[i] as number) - (mean.values[i] as number)) / mean.looks;
    this.#means.set(name, mean);
    return mean.values;
  }
}
