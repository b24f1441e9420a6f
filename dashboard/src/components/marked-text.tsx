import { textParts } from '../domain/marked-text.ts';

/** What a rule’s author says: what stands between backticks is code. */
export function MarkedText({ children }: { readonly children: string }) {
  return textParts(children).map(({ text, isCode }, at) =>
    // eslint-disable-next-line react/no-array-index-key -- the parts of a text have no other name
    isCode ? <code key={at}>{text}</code> : text,
  );
}
