import { toJson } from '../../json/to-json.ts';
import { stringOf, type TemplateValue } from '../../values/value.ts';
import { GoTime } from '../../time/time.ts';

/** A value as an expression of JavaScript: its JSON, apart from the words beside it. Offers pauses where it gets long. */
export function* scriptValue(value: TemplateValue, maxCharacters: number): Generator<void, string> {
  const json = yield* toJson(jsonValue(value), maxCharacters);
  return /^[\w$]|[\w$]$/.test(json) ? ` ${json} ` : json;
}

/** What has a text of its own is that text; a time has its own JSON. */
function jsonValue(value: TemplateValue): TemplateValue {
  const text = stringOf(value);
  if (text !== null) return text;
  if (value === null || typeof value !== 'object' || value instanceof GoTime || !('text' in value))
    return value;
  return value.text ?? value;
}

const SHORT: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  '/': '\\/',
  '\\': '\\\\',
};

/** For a text in quotes in a script, in an attribute too. */
export function escapeScriptText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- all of them
  return text.replace(/[\0-\x1f"&'+/<>\\`\u2028\u2029]/g, (mark) => {
    return SHORT[mark] ?? `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
