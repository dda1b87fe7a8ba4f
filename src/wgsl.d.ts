/** A shader file, inlined as text by the build. */
declare module '*.wgsl' {
  const source: string;
  export default source;
}
