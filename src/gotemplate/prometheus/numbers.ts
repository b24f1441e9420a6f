import { parseGoFloat } from '../syntax/literals.ts';
import { secondsOfDuration } from '../time/duration.ts';
import { GoInteger, TemplateRunError, typeName, type TemplateValue } from '../values/value.ts';

/** A number, an integer, a duration's seconds, or a text that is a number. @throws TemplateRunError */
export function toNumber(value: TemplateValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') {
    const parsed = parseGoFloat(value);
    if (parsed !== null) return parsed;
    throw new TemplateRunError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  const seconds = secondsOfDuration(value);
  if (seconds !== null) return seconds;
  if (value instanceof GoInteger && /^u?int64$/.test(value.type)) return Number(value.value);
  throw new TemplateRunError(`can't convert ${typeName(value)} to float`);
}
