import { assertTextFits } from '../limits.ts';
import type { TemplateValue } from '../values/value.ts';
import { formatVerb } from './format-verb.ts';

const PLAIN = { letter: 'v', flags: '', width: null, precision: null } as const;

/** A value as Go's `%v` writes it. */
export function printed(value: TemplateValue): string {
  return typeof value === 'string' ? value : formatVerb(PLAIN, value);
}

/** A value as an action writes it: like `printed`, but for nil. */
export function shown(value: TemplateValue): string {
  return value === null ? '<no value>' : printed(value);
}

/** Go's fmt.Sprint: a space between operands where neither is a string. */
export function print(args: readonly TemplateValue[]): string {
  let text = '';
  args.forEach((arg, place) => {
    const spaced = place > 0 && typeof arg !== 'string' && typeof args[place - 1] !== 'string';
    text += (spaced ? ' ' : '') + printed(arg);
    assertTextFits(text.length);
  });
  return text;
}

/** Go's fmt.Sprintln: a space between all operands, and a line's end. */
export function println(args: readonly TemplateValue[]): string {
  let text = '';
  args.forEach((arg, place) => {
    text += (place > 0 ? ' ' : '') + printed(arg);
    assertTextFits(text.length);
  });
  return `${text}\n`;
}
