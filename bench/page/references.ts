/** Results of other machines, which the server has beside the page. */
import { fetched } from './fetched.ts';
import type { Part } from './pieces.ts';

export interface Reference {
  readonly name: string;
  /** Some are of kernels alone. */
  readonly part: Part;
}

/** None where the page stands alone. */
export const references = (): Promise<readonly Reference[]> =>
  fetched('references.json', (response) => response.json() as Promise<Reference[]>).catch(() => []);
