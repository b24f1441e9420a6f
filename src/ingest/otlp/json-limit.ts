import { maxRequestMessages, tooManyMessages } from './protobuf-reader.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const OPEN_LIST = 0x5b;
const COMMA = 0x2c;
/** Of fields and of elements. */
const maxJsonValues = 8 * maxRequestMessages;

/**
 * Counts the objects, lists and values of a JSON text before it is parsed, since each takes memory.
 * @throws OmoiError `body_too_large`
 */
export function limitJson(text: Uint8Array): void {
  let opened = 0;
  let separated = 0;
  let isInText = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (isInText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    // Lists hold objects, or the few numbers of a histogram: twice the messages of a request is more than it has.
    else if ((byte === OPEN_OBJECT || byte === OPEN_LIST) && ++opened > 2 * maxRequestMessages) {
      throw tooManyMessages();
    } else if (byte === COMMA && ++separated > maxJsonValues) throw tooManyMessages();
  }
}
