/** What a check of `omoi doctor` has found. */
export interface Diagnosis {
  readonly check: string;
  /** `problem`: something does not work. `warning`: it works, and hardly as it should. */
  readonly state: 'ok' | 'warning' | 'problem';
  readonly message: string;
  /** What to do about it; null where nothing is to be done. */
  readonly remedy: string | null;
}

export function ok(check: string, message: string): Diagnosis {
  return { check, state: 'ok', message, remedy: null };
}

export function warning(check: string, message: string, remedy: string): Diagnosis {
  return { check, state: 'warning', message, remedy };
}

export function problem(check: string, message: string, remedy: string): Diagnosis {
  return { check, state: 'problem', message, remedy };
}
