/** C0 and C1 controls, delete, and what ends a line: a terminal would act on them. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** A text of somebody else's in one line that does nothing but show itself. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return SHORT.get(character) ?? `\\u${code}`;
  });
}
