interface FactProps {
  readonly name: string;
  readonly value: string;
  readonly className: string | undefined;
}

/** A name and its value, in a list of such. */
export function Fact({ name, value, className }: FactProps) {
  return (
    <div className={className}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
