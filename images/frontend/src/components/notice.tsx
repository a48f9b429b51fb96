/** A page that has one thing to say. */

import Link from "next/link";
import type { ReactNode } from "react";
import { Logo } from "./icons";
import styles from "./auth-form.module.css";

type Action = { label: string; href: string } | { label: string; onClick: () => void };

export function Notice({
  title,
  action,
  children,
}: {
  title: string;
  action: Action;
  children: ReactNode;
}) {
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <Logo />
        <h1 className={styles.title}>{title}</h1>
        <p className={styles.lead}>{children}</p>
        {"href" in action ? (
          <Link className="button primary" href={action.href} prefetch={false}>
            {action.label}
          </Link>
        ) : (
          <button className="button primary" type="button" onClick={action.onClick}>
            {action.label}
          </button>
        )}
      </div>
    </main>
  );
}
