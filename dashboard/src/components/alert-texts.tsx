import { MarkedText } from './marked-text.tsx';

export interface AlertTextsProps {
  /** What the rule's author has to say, the summary first; what is missing, or said already, is left out. */
  readonly texts: readonly (string | null | undefined)[];
  /** Of each paragraph. */
  readonly className: string | undefined;
}

/** What a rule says of its alert. */
export function AlertTexts({ texts, className }: AlertTextsProps) {
  return [...new Set(texts)]
    .filter((text) => typeof text === 'string')
    .map((text) => (
      <p key={text} className={className}>
        <MarkedText>{text}</MarkedText>
      </p>
    ));
}
