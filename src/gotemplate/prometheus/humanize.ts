import { formatFloat } from '#telemetry';

const LARGE = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'] as const;
const SMALL = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'] as const;

const fourDigits = (value: number): string => formatFloat(value, 'g', 4);

/** 1234567 → `1.235M`, 0.0021 → `2.1m`. */
export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return fourDigits(value);
  if (Math.abs(value) >= 1) return scaledUp(value, 1000, LARGE);
  const { text, prefix } = scaledDown(value);
  return text + prefix;
}

/** 1048576 → `1Mi`. */
export function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return fourDigits(value);
  return scaledUp(
    value,
    1024,
    LARGE.map((prefix) => `${prefix}i`),
  );
}

/** Seconds as `1d 2h 3m 4s`; from days to minutes the seconds are whole, below they have four digits. */
export function humanizeDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return fourDigits(seconds);
  if (seconds === 0) return '0s';
  if (Math.abs(seconds) < 1) {
    const { text, prefix } = scaledDown(seconds);
    return `${text}${prefix}s`;
  }
  const sign = seconds < 0 ? '-' : '';
  const size = Math.abs(seconds);
  const whole = Math.trunc(size);
  const parts = [
    { count: Math.floor(whole / 86_400), unit: 'd' },
    { count: Math.floor(whole / 3600) % 24, unit: 'h' },
    { count: Math.floor(whole / 60) % 60, unit: 'm' },
  ];
  const first = parts.findIndex(({ count }) => count !== 0);
  if (first === -1) return `${sign}${fourDigits(size)}s`;
  const larger = parts.slice(first).map(({ count, unit }) => `${count}${unit}`);
  return `${sign}${larger.join(' ')} ${whole % 60}s`;
}

/** 0.1234 → `12.34%`. */
export function humanizePercentage(ratio: number): string {
  return `${fourDigits(ratio * 100)}%`;
}

function scaledUp(value: number, base: number, prefixes: readonly string[]): string {
  let scaled = value;
  let prefix = '';
  for (const larger of prefixes) {
    if (Math.abs(scaled) < base) break;
    prefix = larger;
    scaled /= base;
  }
  return fourDigits(scaled) + prefix;
}

function scaledDown(value: number): { text: string; prefix: string } {
  let scaled = value;
  let prefix = '';
  for (const smaller of SMALL) {
    if (Math.abs(scaled) >= 1) break;
    prefix = smaller;
    scaled *= 1000;
  }
  return { text: fourDigits(scaled), prefix };
}
