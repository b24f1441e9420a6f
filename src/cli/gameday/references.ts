import { OmoiError } from '#telemetry';

/** What a run has found and configured so far, by name. */
export type Findings = Readonly<Record<string, unknown>>;

const REFERENCE = /\$\{([^}]+)\}/g;
const WHOLE_REFERENCE = /^\$\{([^}]+)\}$/;

/** The value at a dotted path: `alert.payload.labels.phase_id`. */
export function valueAt(root: unknown, path: string): unknown {
  let at = root;
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

/**
 * Replaces `${name.path}` throughout a value; a text that is one reference alone keeps the referred value's type.
 * @throws OmoiError `gameday_file_invalid` for a reference to nothing
 */
export function resolveReferences<Value>(value: Value, findings: Findings): Value {
  return resolved(value, findings) as Value;
}

function resolved(value: unknown, findings: Findings): unknown {
  if (typeof value === 'string') {
    const whole = WHOLE_REFERENCE.exec(value)?.[1];
    if (whole !== undefined) return lookUp(whole, findings);
    return value.replace(REFERENCE, (_, path: string) => String(lookUp(path, findings)));
  }
  if (Array.isArray(value)) return value.map((item) => resolved(item, findings));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, findings)]));
  }
  return value;
}

function lookUp(path: string, findings: Findings): unknown {
  const found = valueAt(findings, path);
  if (found === undefined) {
    throw new OmoiError('gameday_file_invalid', `\${${path}} refers to nothing that an earlier step saved`);
  }
  return found;
}
