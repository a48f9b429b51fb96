"use client";

import { type FormEvent, useEffect, useState } from "react";

interface Note {
  id: number;
  title: string;
}

const KEPT = "token";

async function ask<Answer>(path: string, token: string | null, body?: object): Promise<Answer> {
  const response = await fetch(`/api/${path}`, {
    method: body ? "POST" : "GET",
    headers: {
      ...(body && { "Content-Type": "application/json" }),
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) {
    const { detail } = await response.json().catch(() => ({ detail: undefined }));
    throw new Error(typeof detail === "string" ? detail : `that did not work (${response.status})`);
  }
  return response.json();
}

export default function Page() {
  const [token, setToken] = useState<string | null>(null);
  const [notes, setNotes] = useState<Note[]>([]);
  const [problem, setProblem] = useState("");

  useEffect(() => setToken(sessionStorage.getItem(KEPT)), []);
  useEffect(() => {
    if (token) {
      ask<Note[]>("notes", token).then(setNotes, (error: Error) => {
        setProblem(error.message);
        setToken(null);
      });
    }
  }, [token]);

  async function enter(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const { submitter } = event.nativeEvent as SubmitEvent;
    const given = Object.fromEntries(new FormData(event.currentTarget));
    try {
      const path = `auth/${(submitter as HTMLButtonElement | null)?.value ?? "login"}`;
      const answer = await ask<{ access_token: string }>(path, null, given);
      sessionStorage.setItem(KEPT, answer.access_token);
      setProblem("");
      setToken(answer.access_token);
    } catch (error) {
      setProblem((error as Error).message);
    }
  }

  async function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    try {
      const note = await ask<Note>("notes", token, Object.fromEntries(new FormData(form)));
      setNotes((known) => [note, ...known]);
      setProblem("");
      form.reset();
    } catch (error) {
      setProblem((error as Error).message);
    }
  }

  return (
    <main>
      <h1>Notes</h1>
      {problem && <p role="alert">{problem}</p>}
      {token ? (
        <>
          <form onSubmit={add}>
            <input name="title" aria-label="Title" required maxLength={200} />
            <button>Add</button>
          </form>
          <ul>
            {notes.map((note) => (
              <li key={note.id}>{note.title}</li>
            ))}
          </ul>
        </>
      ) : (
        <form onSubmit={enter}>
          <input name="name" aria-label="Name" placeholder="Name" required autoComplete="username" />
          <input
            name="password"
            type="password"
            aria-label="Password"
            placeholder="Password"
            required
            minLength={8}
            autoComplete="current-password"
          />
          <button value="login">Log in</button>
          <button value="signup">Sign up</button>
        </form>
      )}
    </main>
  );
}
