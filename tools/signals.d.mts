/** Makes SIGINT, SIGTERM and SIGHUP exit the process, with 128 and the signal's number. */
export function exitOnSignals(): void;
