"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { CloseIcon } from "./icons";
import styles from "./toasts.module.css";

const VISIBLE_MS = 7_000;

export interface Toast {
  readonly text: string;
  readonly detail?: string;
  readonly undo?: () => void;
}

/** One message at a time, the latest; it stays while the pointer or the focus is on it. */
export function useToast() {
  const [toast, setToast] = useState<(Toast & { id: number }) | null>(null);
  const lastId = useRef(0);
  const show = useCallback((next: Toast) => {
    lastId.current += 1;
    setToast({ ...next, id: lastId.current });
  }, []);
  const hide = useCallback(() => setToast(null), []);
  return { toast, show, hide };
}

export function ToastRegion({ toast, hide }: { toast: Toast | null; hide: () => void }) {
  const [held, setHeld] = useState(false);

  useEffect(() => {
    if (!toast || held) return;
    const timer = setTimeout(hide, VISIBLE_MS);
    return () => clearTimeout(timer);
  }, [toast, held, hide]);

  return (
    <div
      className={styles.region}
      role="status"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {toast && (
        <div className={styles.toast}>
          <div className={styles.text}>
            <span>{toast.text}</span>
            {toast.detail && <span className={styles.detail}>{toast.detail}</span>}
          </div>
          {toast.undo && (
            <button
              type="button"
              className={styles.undo}
              onClick={() => {
                toast.undo?.();
                setHeld(false);
                hide();
              }}
            >
              Undo
            </button>
          )}
          <button
            type="button"
            className={styles.dismiss}
            aria-label="Dismiss"
            onClick={() => {
              setHeld(false);
              hide();
            }}
          >
            <CloseIcon />
          </button>
        </div>
      )}
    </div>
  );
}
