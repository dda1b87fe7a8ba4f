/** The package names its Node build as `main`, which is CommonJS in an ESM package; the module build is imported by its file. */
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
