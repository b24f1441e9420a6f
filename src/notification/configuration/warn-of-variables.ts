import { isMapping, type Findings, type Path } from './findings.ts';

/** So many names are told of; of further ones only that there are some. */
export const maxNamedVariables = 20;

/** `${SMTP_PASSWORD}`, also with a default (`${PORT:-25}`). */
const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-[^}]*)?\}/g;

/**
 * Warns of what looks like an environment variable in `global` and `receivers`: it is taken as it stands, and the service would
 * refuse it. Each name is told of once, where it stands first. Templates are left out: `${name}` is a group of an expression there.
 */
export function warnOfVariables(parts: Readonly<Record<string, unknown>>, findings: Findings): void {
  const told = new Set<string>();
  const look = (value: unknown, path: Path): void => {
    if (told.size > maxNamedVariables) return;
    if (typeof value === 'string') {
      if (value.includes('{{')) return;
      for (const [, name = ''] of value.matchAll(VARIABLE)) {
        if (told.has(name) || told.size > maxNamedVariables) continue;
        told.add(name);
        findings.warning(path, told.size > maxNamedVariables ? MORE : textOf(name));
      }
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) look(item, [...path, index]);
    } else if (isMapping(value)) {
      for (const [key, inner] of Object.entries(value)) look(inner, [...path, key]);
    }
  };
  for (const part of ['global', 'receivers']) look(parts[part], [part]);
}

const MORE = 'further environment variables are not filled in either';

function textOf(name: string): string {
  return `\${${name}} is taken as it stands: environment variables are not filled in, nor does Alertmanager; write the value, or a …_file`;
}
