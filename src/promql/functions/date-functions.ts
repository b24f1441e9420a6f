const DAY_MS = 86_400_000;

/** Functions of a time in seconds since the epoch, in UTC. */
export const DATE_FUNCTIONS: ReadonlyMap<string, (seconds: number) => number> = new Map([
  ['year', onDate((date) => date.getUTCFullYear())],
  ['month', onDate((date) => date.getUTCMonth() + 1)],
  ['day_of_month', onDate((date) => date.getUTCDate())],
  ['day_of_week', onDate((date) => date.getUTCDay())],
  ['day_of_year', onDate(dayOfYear)],
  ['days_in_month', onDate(daysInMonth)],
  ['hour', onDate((date) => date.getUTCHours())],
  ['minute', onDate((date) => date.getUTCMinutes())],
]);

/** NaN for times that are no dates. */
function onDate(read: (date: Date) => number): (seconds: number) => number {
  return (seconds) => read(new Date(Math.trunc(seconds) * 1000));
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
}

/** Day 0 of the next month is the last of this one. */
function daysInMonth(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}
