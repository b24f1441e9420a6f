/** The sign of the product: something that is watched. */
export function Mark({ size = 24 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#147d6f" />
      <circle cx="16" cy="16" r="7" fill="none" stroke="white" strokeWidth="3" />
      <circle cx="16" cy="16" r="2.5" fill="white" />
    </svg>
  );
}
