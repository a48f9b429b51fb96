"use client";

import Link from "next/link";
import { useActionState, useEffect, useRef, useState } from "react";
import { call } from "@/lib/api";
import { Logo } from "./icons";
import styles from "./auth-form.module.css";

const TEXTS = {
  "sign-in": {
    title: "Welcome back",
    lead: "Sign in to see your tasks.",
    submit: "Sign in",
    path: "/api/auth/login",
    otherText: "New here?",
    otherLabel: "Create an account",
    otherHref: "/sign-up",
  },
  "sign-up": {
    title: "Create your account",
    lead: "A calm place for everything you want to get done.",
    submit: "Create account",
    path: "/api/auth/signup",
    otherText: "Have an account already?",
    otherLabel: "Sign in",
    otherHref: "/sign-in",
  },
} as const;

interface FormState {
  readonly error: string | null;
  readonly name: string;
  readonly email: string;
  readonly done: boolean;
}

const START: FormState = { error: null, name: "", email: "", done: false };

export function AuthForm({ mode }: { mode: keyof typeof TEXTS }) {
  const texts = TEXTS[mode];
  const [visible, setVisible] = useState(false);
  const password = useRef<HTMLInputElement>(null);

  // As a form action, a submission before the page's scripts are ready waits for them.
  const [state, submit, pending] = useActionState(async (_before: FormState, form: FormData) => {
    const fields = Object.fromEntries(form) as Record<string, string>;
    const kept = { name: fields.name ?? "", email: fields.email ?? "" };
    try {
      await call("POST", texts.path, fields);
    } catch (error) {
      return { ...kept, done: false, error: error instanceof Error ? error.message : String(error) };
    }
    window.location.replace("/");
    return { ...kept, done: true, error: null };
  }, START);

  useEffect(() => {
    if (state.error) password.current?.focus();
  }, [state]);

  const busy = pending || state.done;
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <Logo />
        <h1 className={styles.title}>{texts.title}</h1>
        <p className={styles.lead}>{texts.lead}</p>
        <form action={submit} className={styles.form}>
          {state.error && (
            <p className={styles.error} role="alert">
              {state.error}
            </p>
          )}
          {mode === "sign-up" && (
            <div className={styles.field}>
              <label htmlFor="name">Name</label>
              <input
                id="name"
                name="name"
                className="input"
                autoComplete="name"
                defaultValue={state.name}
                maxLength={100}
                required
              />
            </div>
          )}
          <div className={styles.field}>
            <label htmlFor="email">Email</label>
            <input
              id="email"
              name="email"
              type="email"
              className="input"
              autoComplete="email"
              defaultValue={state.email}
              required
            />
          </div>
          <div className={styles.field}>
            <label htmlFor="password">Password</label>
            <div className={styles.secret}>
              <input
                ref={password}
                id="password"
                name="password"
                type={visible ? "text" : "password"}
                className="input"
                autoComplete={mode === "sign-up" ? "new-password" : "current-password"}
                aria-describedby={mode === "sign-up" ? "password-hint" : undefined}
                minLength={mode === "sign-up" ? 8 : undefined}
                maxLength={128}
                required
              />
              <button
                type="button"
                className={styles.show}
                aria-pressed={visible}
                aria-controls="password"
                onClick={() => setVisible(!visible)}
              >
                {visible ? "Hide" : "Show"}
              </button>
            </div>
            {mode === "sign-up" && (
              <p id="password-hint" className={styles.hint}>
                At least 8 characters.
              </p>
            )}
          </div>
          <button className="button primary" type="submit" disabled={busy} aria-busy={busy}>
            {texts.submit}
          </button>
        </form>
        <p className={styles.other}>
          {texts.otherText}{" "}
          {/* Fetching the other page in advance would cost the server more than it gains. */}
          <Link href={texts.otherHref} prefetch={false}>
            {texts.otherLabel}
          </Link>
        </p>
      </div>
    </main>
  );
}
