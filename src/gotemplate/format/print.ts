import { unpaced } from '#telemetry';
import { assertTextFits, MAX_TEXT_CHARACTERS } from '../limits.ts';
import { stringOf, type TemplateValue } from '../values/value.ts';
import { formatVerb } from './format-verb.ts';

const PLAIN = { letter: 'v', flags: '', width: null, precision: null } as const;

/** A value as Go's `%v` writes it. */
export function printed(value: TemplateValue, maxCharacters: number = MAX_TEXT_CHARACTERS): string {
  return unpaced(printedInPieces(value, maxCharacters));
}

function* printedInPieces(value: TemplateValue, maxCharacters: number): Generator<void, string> {
  return typeof value === 'string' ? value : yield* formatVerb(PLAIN, value, maxCharacters);
}

/** A value as an action writes it: like `printed`, but for nil. */
export function shown(value: TemplateValue, maxCharacters: number = MAX_TEXT_CHARACTERS): string {
  return unpaced(shownInPieces(value, maxCharacters));
}

/** As `shown`, with pauses offered where it gets long. */
export function* shownInPieces(value: TemplateValue, maxCharacters: number): Generator<void, string> {
  return value === null ? '<no value>' : yield* printedInPieces(value, maxCharacters);
}

/** Go's fmt.Sprint: a space between operands where neither is a string. */
export function* print(args: readonly TemplateValue[], maxCharacters: number): Generator<void, string> {
  let text = '';
  for (const [place, arg] of args.entries()) {
    const spaced = place > 0 && stringOf(arg) === null && stringOf(args[place - 1] ?? null) === null;
    text += (spaced ? ' ' : '') + (yield* printedInPieces(arg, maxCharacters));
    assertTextFits(text.length, maxCharacters);
  }
  return text;
}

/** Go's fmt.Sprintln: a space between all operands, and a line's end. */
export function* println(args: readonly TemplateValue[], maxCharacters: number): Generator<void, string> {
  let text = '';
  for (const [place, arg] of args.entries()) {
    text += (place > 0 ? ' ' : '') + (yield* printedInPieces(arg, maxCharacters));
    assertTextFits(text.length, maxCharacters);
  }
  return `${text}\n`;
}
