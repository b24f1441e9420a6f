import type { z } from 'zod';
import type { StrictDocument } from '#telemetry';
import { SHOWN_SECRET, settingRoles } from './setting-schemas.ts';
import { withoutOmoiKeys } from './without-omoi-keys.ts';

/** Shorter texts are left where they stand a second time: they are words of the language, too. */
const MIN_REPEATED = 6;
const URL_PASSWORD = /(\/\/[^\s/:@"']*:)[^\s/@"']+@/g;

/**
 * A configuration as it is written, without what Omoi adds to it, with `<secret>` in the place of each secret, wherever it is
 * repeated (in a comment, say), and `xxxxx` for the password of an address. The address of a webhook keeps its scheme: programs of
 * the time in which it was no secret look for one.
 */
export function shownConfiguration(text: string, document: StrictDocument<z.ZodType>): string {
  const addresses = new Set(document.rangesReadBy(isSecretAddress).map(([from]) => from));
  const secrets = new Set<string>();
  let shown = '';
  let at = 0;
  for (const [from, to] of document.rangesReadBy(isSecret)) {
    if (from < at) continue;
    const written = text.slice(from, to);
    shown += text.slice(at, from);
    if (isEmpty(written)) shown += written;
    else {
      const bare = bareText(written);
      if (!isHidden(bare)) secrets.add(bare);
      if (addresses.has(from)) shown += bare.startsWith('http://') ? 'http://' : 'https://';
      // A block keeps the line break at its end.
      shown += written.endsWith('\n') ? `${SHOWN_SECRET}\n` : SHOWN_SECRET;
    }
    at = to;
  }
  shown += text.slice(at);
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret.length >= MIN_REPEATED) shown = shown.replaceAll(secret, SHOWN_SECRET);
  }
  return withoutOmoiKeys(shown.replaceAll(URL_PASSWORD, '$1xxxxx@'));
}

/** Where `<secret>` itself is written as a secret: it was copied from where a configuration is shown. */
export function hiddenSecrets(
  text: string,
  document: StrictDocument<z.ZodType>,
): readonly { readonly line: number; readonly column: number }[] {
  const places: { line: number; column: number }[] = [];
  let line = 1;
  let lineStart = 0;
  let at = 0;
  for (const [from, to] of document.rangesReadBy(isSecret)) {
    if (!isHidden(bareText(text.slice(from, to)))) continue;
    for (let end = text.indexOf('\n', at); end !== -1 && end < from; end = text.indexOf('\n', at)) {
      line++;
      at = lineStart = end + 1;
    }
    places.push({ line, column: from - lineStart + 1 });
  }
  return places;
}

function isSecret(reader: z.core.$ZodType): boolean {
  return settingRoles.get(reader as z.ZodType)?.role === 'secret' || isSecretAddress(reader);
}

function isSecretAddress(reader: z.core.$ZodType): boolean {
  return settingRoles.get(reader as z.ZodType)?.role === 'secret address';
}

/** Whether it is what a secret is shown as. */
function isHidden(bare: string): boolean {
  return bare.replace(/^https?:\/\//, '') === SHOWN_SECRET;
}

function isEmpty(written: string): boolean {
  return ['', '~', 'null', 'Null', 'NULL', '""', "''"].includes(written.trim());
}

/** Without quotes and the sign of a block. */
function bareText(written: string): string {
  return written
    .replace(/^[|>][^\n]*\n/, '')
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2');
}
