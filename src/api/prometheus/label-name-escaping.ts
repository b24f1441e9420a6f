const PREFIX = 'U__';
const MAX_CODE_DIGITS = 6;

/**
 * The label name that a "values escaped" name stands for: `U__my_2e_label` is `my.label`. After the prefix, `__` is an
 * underscore and `_HEX_` the character of that code point. A name that is not escaped, or not well, stands for itself.
 */
export function unescapeLabelName(name: string): string {
  if (!name.startsWith(PREFIX)) return name;
  let unescaped = '';
  for (let at = PREFIX.length; at < name.length; at++) {
    if (name[at] !== '_') {
      unescaped += name[at];
      continue;
    }
    const end = name.indexOf('_', at + 1);
    const character = end < 0 ? null : characterOf(name.slice(at + 1, end));
    if (character === null) return name;
    unescaped += character;
    at = end;
  }
  return unescaped;
}

function characterOf(code: string): string | null {
  if (code === '') return '_';
  if (code.length > MAX_CODE_DIGITS || !/^[0-9a-f]+$/i.test(code)) return null;
  const point = Number.parseInt(code, 16);
  const isCharacter = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
  return isCharacter ? String.fromCodePoint(point) : null;
}
