/** Icons drawn by strokes. All are decoration: their button has the words. */

import type { ReactNode } from "react";

function Icon({ children, size = 20 }: { children: ReactNode; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export const PlusIcon = () => (
  <Icon>
    <path d="M10 4v12M4 10h12" />
  </Icon>
);

export const PencilIcon = () => (
  <Icon size={18}>
    <path d="m4 13.2-.6 3.4 3.4-.6L16 6.8 13.2 4 4 13.2Z" />
    <path d="m11.4 5.8 2.8 2.8" />
  </Icon>
);

export const TrashIcon = () => (
  <Icon size={18}>
    <path d="M3.8 5.6h12.4M8 5.6V3.8h4v1.8M5.4 5.6l.7 10.6h7.8l.7-10.6M8.4 8.8v4.4M11.6 8.8v4.4" />
  </Icon>
);

export const SparkIcon = () => (
  <Icon size={18}>
    <path d="M9 3.2 10.5 8 15 9.6 10.5 11.2 9 16l-1.5-4.8L3 9.6 7.5 8 9 3.2Z" />
    <path d="M15.8 13.4v3.4M14.1 15.1h3.4" />
  </Icon>
);

export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" />
  </Icon>
);

export const SendIcon = () => (
  <Icon>
    <path d="M10 16V4.6M5.2 9.2 10 4.4l4.8 4.8" />
  </Icon>
);

export const SignOutIcon = () => (
  <Icon size={18}>
    <path d="M12.4 6V4H4v12h8.4v-2M8.4 10h8.4M14 7.2l2.8 2.8-2.8 2.8" />
  </Icon>
);

export function Logo() {
  return (
    <svg width="32" height="32" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" fill="var(--brand)" />
      <path
        d="m9 16.6 4.7 4.7L23.2 11"
        fill="none"
        stroke="var(--on-brand)"
        strokeWidth="3.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
