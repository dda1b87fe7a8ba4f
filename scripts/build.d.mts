/** Builds dist/ where a source is newer; true when it did. */
export function build(options?: { force?: boolean }): Promise<boolean>;
