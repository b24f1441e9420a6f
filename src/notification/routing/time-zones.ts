/**
 * The name of a time zone as `Intl` takes it, as strictly as Go's `time.LoadLocation`: names of the time zone database in their
 * case, `UTC`, '' for UTC and `Local` for the one of this machine. Null for what is none.
 */
export function resolveTimeZone(name: string): string | null {
  if (name === '' || name === 'UTC') return 'UTC';
  if (name === 'Local') return new Intl.DateTimeFormat().resolvedOptions().timeZone;
  // `Intl` takes offsets like +01:00, too.
  if (!/^[A-Za-z]/.test(name)) return null;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions();
    const isOtherCase = timeZone !== name && timeZone.toLowerCase() === name.toLowerCase();
    return isOtherCase ? null : name;
  } catch (thrown) {
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}
