/** A moment as a layout shows it, in its zone. */
export interface ClockFace {
  readonly year: number;
  /** 1 to 12 */
  readonly month: number;
  readonly day: number;
  readonly yearDay: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  readonly zoneName: string;
  readonly zoneOffsetSeconds: number;
}

export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
export const WEEKDAYS = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
] as const;

/** The elements of Go's reference time, `Mon Jan 2 15:04:05 MST 2006`; where several fit, the longest. */
export const LAYOUT_ELEMENT =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|_2006|__2|_2|002|0[1-6]|15|1|2|3|4|5|PM|pm|[-Z]07(?::00:00|0000|:00|00)?|[.,](?:0+|9+)(?![0-9])/g;

/** A moment in a layout of Go's time package. */
export function formatLayout(layout: string, face: ClockFace): string {
  return layout.replace(LAYOUT_ELEMENT, (element, at: number) => {
    if (/^[.,]/.test(element)) return fraction(element, layout.charAt(at - 1), face);
    if (/^[-Z]07/.test(element)) return zone(element, face.zoneOffsetSeconds);
    return elementText(element, face);
  });
}

function elementText(element: string, face: ClockFace): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const hour12 = face.hour % 12 === 0 ? 12 : face.hour % 12;
  const month = MONTHS[face.month - 1] ?? '';
  const weekday = WEEKDAYS[face.weekday] ?? '';
  switch (element) {
    case 'January':
      return month;
    case 'Jan':
      return month.slice(0, 3);
    case '1':
      return String(face.month);
    case '01':
      return two(face.month);
    case 'Monday':
      return weekday;
    case 'Mon':
      return weekday.slice(0, 3);
    case '2':
      return String(face.day);
    case '_2':
      return String(face.day).padStart(2, ' ');
    case '02':
      return two(face.day);
    case '__2':
      return String(face.yearDay).padStart(3, ' ');
    case '002':
      return String(face.yearDay).padStart(3, '0');
    case '15':
      return two(face.hour);
    case '3':
      return String(hour12);
    case '03':
      return two(hour12);
    case '4':
      return String(face.minute);
    case '04':
      return two(face.minute);
    case '5':
      return String(face.second);
    case '05':
      return two(face.second);
    case '2006':
      return yearText(face.year);
    case '_2006':
      return `_${yearText(face.year)}`;
    case '06':
      return two(Math.abs(face.year) % 100);
    case 'PM':
      return face.hour >= 12 ? 'PM' : 'AM';
    case 'pm':
      return face.hour >= 12 ? 'pm' : 'am';
    case 'MST':
      return face.zoneName === '' ? zone('-0700', face.zoneOffsetSeconds) : face.zoneName;
    default:
      return element;
  }
}

function yearText(year: number): string {
  return year < 0 ? `-${String(-year).padStart(4, '0')}` : String(year).padStart(4, '0');
}

const NANOSECOND_DIGITS = 9;

/** `.000` has so many digits; `.999`, only where it follows the seconds, none at the end that are zero. */
function fraction(element: string, before: string, face: ClockFace): string {
  const digits = String(face.nanosecond)
    .padStart(NANOSECOND_DIGITS, '0')
    .slice(0, element.length - 1)
    .padEnd(element.length - 1, '0');
  const separator = element.charAt(0);
  if (element.charAt(1) === '0') return separator + digits;
  const trimmed = digits.replace(/0+$/, '');
  return trimmed === '' || before === '' ? (trimmed === '' ? '' : separator + trimmed) : separator + trimmed;
}

function zone(element: string, offsetSeconds: number): string {
  if (element.startsWith('Z') && offsetSeconds === 0) return 'Z';
  const size = Math.abs(offsetSeconds);
  const parts = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60].map((part) =>
    String(part).padStart(2, '0'),
  );
  const count = (element.match(/\d\d/g) ?? []).length;
  return (offsetSeconds < 0 ? '-' : '+') + parts.slice(0, count).join(element.includes(':') ? ':' : '');
}
