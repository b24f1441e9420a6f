/** What a part of an HTML page is to its reader: what a value there may be. */
export type State =
  | 'text'
  | 'tag'
  | 'attribute name'
  | 'after attribute name'
  | 'before value'
  | 'comment'
  /** In `<title>` or `<textarea>`: text without tags. */
  | 'plain text'
  | 'value'
  | 'address'
  | 'addresses'
  | 'meta content'
  | 'meta address'
  | 'script'
  | 'script "'
  | "script '"
  | 'script line comment'
  | 'script block comment'
  /** Behind a slash or a backquote, from where on it is not clear what is a text of the script. */
  | 'unclear script'
  | 'style'
  | 'style "'
  | "style '"
  | 'style address "'
  | "style address '"
  | 'style address'
  | 'style line comment'
  | 'style block comment'
  /** Behind `{{ break }}` or `{{ continue }}`: never reached. */
  | 'nowhere';

/** An element whose content is not HTML, or `meta`. */
export type SpecialElement = 'script' | 'style' | 'textarea' | 'title' | 'meta';

/** What an attribute's value is. */
export type AttributeKind =
  | 'plain'
  | 'script'
  | 'script type'
  | 'style'
  | 'address'
  | 'addresses'
  | 'meta content';

/** Where in a page a template has come to. Compared by value. */
export interface Place {
  readonly state: State;
  /** What ends the attribute's value; null outside of one. */
  readonly quote: '"' | "'" | 'space' | null;
  /** How far an address has got; `unclear` where branches of a template differ in it. */
  readonly part: 'start' | 'path' | 'query' | 'unclear';
  readonly attribute: AttributeKind;
  readonly element: SpecialElement | null;
}

export const PAGE_START: Place = {
  state: 'text',
  quote: null,
  part: 'start',
  attribute: 'plain',
  element: null,
};

/** A name of the place, the same for places that are alike. */
export function keyOfPlace({ state, quote, part, attribute, element }: Place): string {
  return [state, quote, part, attribute, element].join('|');
}

export function samePlace(left: Place, right: Place): boolean {
  return keyOfPlace(left) === keyOfPlace(right);
}

export const VALUE_STATES: Readonly<Record<AttributeKind, State>> = {
  plain: 'value',
  script: 'script',
  'script type': 'value',
  style: 'style',
  address: 'address',
  addresses: 'addresses',
  'meta content': 'meta content',
};

/** Where a value is that comes next: behind `<p title=` it begins an attribute's value, in `<p ` a name. */
export function placeOfNext(place: Place): Place {
  if (place.state === 'tag') return { ...place, state: 'attribute name' };
  if (place.state === 'after attribute name') {
    return { ...place, state: 'attribute name', attribute: 'plain' };
  }
  if (place.state !== 'before value') return place;
  return { ...place, state: VALUE_STATES[place.attribute], quote: 'space', attribute: 'plain' };
}

/** Where a template is after one of two branches; null where they end in places that can't be taken for one. */
export function joinPlaces(left: Place, right: Place): Place | null {
  if (left.state === 'nowhere') return right;
  if (right.state === 'nowhere' || samePlace(left, right)) return left;
  const unclear: Place = { ...left, part: 'unclear' };
  if (samePlace(unclear, { ...right, part: 'unclear' })) return unclear;
  const [leftNext, rightNext] = [placeOfNext(left), placeOfNext(right)];
  if (samePlace(leftNext, left) && samePlace(rightNext, right)) return null;
  return joinPlaces(leftNext, rightNext);
}

export type CommentState = Extract<State, 'comment' | `${string} comment`>;

/** Whether what stands there is for the authors of the page alone. */
export function isComment(state: State): state is CommentState {
  return state.endsWith('comment');
}
