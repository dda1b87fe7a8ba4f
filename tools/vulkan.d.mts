export const driverNames: string[];
export function driverFile(name: string): string | undefined;
export function dawnOn(name: 'lavapipe' | 'swiftshader', toggles?: readonly string[]): Promise<GPU>;
