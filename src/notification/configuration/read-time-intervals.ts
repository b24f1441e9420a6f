import type { TimeInterval } from '../routing/time-interval.ts';
import { namedIntervalsSchema } from './configuration-schema.ts';
import { itemsOf, type Findings } from './findings.ts';

/**
 * Both lists share their names. An entry that has mistakes is there by its name all the same, so that who uses it is not said to
 * be wrong as well.
 * @param written the whole file
 */
export function readTimeIntervals(
  written: Readonly<Record<string, unknown>>,
  findings: Findings,
): ReadonlyMap<string, readonly TimeInterval[]> {
  const intervals = new Map<string, readonly TimeInterval[]>();
  for (const key of ['mute_time_intervals', 'time_intervals'] as const) {
    const what = key === 'time_intervals' ? 'time interval' : 'mute time interval';
    itemsOf(written[key]).forEach((item, index) => {
      const path = [key, index];
      const head = namedIntervalsSchema
        .pick({ name: true })
        .loose()
        .safeParse(item ?? {});
      if (!head.success) return;
      const { name } = head.data;
      if (name === '') findings.problem(path, `missing name in ${what}`);
      else if (intervals.has(name)) findings.problem([...path, 'name'], `${what} "${name}" is not unique`);
      const whole = namedIntervalsSchema.safeParse(item ?? {});
      intervals.set(name, whole.success ? (whole.data.time_intervals ?? []) : []);
    });
  }
  return intervals;
}
