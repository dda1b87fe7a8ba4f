/** The decoder's sizes, which every checkpoint has. */

/** Numbers of a token, of the face or of a task. */
export const WIDTH = 256;

/** Width of the cross-attentions' queries, keys and values. */
export const INNER = 128;

/** Heads of every attention. */
export const HEADS = 8;

/** Layers. */
export const DEPTH = 2;
