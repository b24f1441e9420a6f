/** Go's strings.ToUpper: character by character, where JavaScript looks at what stands around one. */
export function toUpper(text: string): string {
  return Array.from(text, upper).join('');
}

/** Go's strings.ToLower. */
export function toLower(text: string): string {
  return Array.from(text, lower).join('');
}

/** What has no single upper case letter, such as ß, stays. */
function upper(character: string): string {
  const mapped = character.toUpperCase();
  return Array.from(mapped).length === 1 ? mapped : character;
}

function lower(character: string): string {
  return Array.from(character.toLowerCase())[0] ?? character;
}

const WORD = /\p{L}[\p{L}\p{M}\p{N}_]*(?:['’.:·․‧]\p{L}[\p{L}\p{M}\p{N}_]*)*/gu;

/** The first letter of each word in upper case and the others in lower case, as cases.Title of golang.org/x/text. */
export function titleCase(text: string): string {
  return text.replace(WORD, (word) => {
    const [first = '', ...others] = word;
    return upper(first) + toLower(others.join(''));
  });
}
