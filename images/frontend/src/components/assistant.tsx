"use client";

import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { sendMessage, type ChatAction, type ChatMessage } from "@/lib/api";
import { changesTasks, summarize } from "@/lib/chat-summary";
import { CloseIcon, SendIcon, SparkIcon } from "./icons";
import styles from "./assistant.module.css";

const HISTORY_LENGTH = 20;
const IDEAS = ["What is still open?", "Plan a small dinner for Friday", "Which task should come first?"];

interface Entry extends ChatMessage {
  readonly id: number;
  readonly actions?: readonly ChatAction[];
  readonly error?: string;
}

interface Props {
  userId: string;
  open: boolean;
  onClose(): void;
  onTasksChanged(): void;
}

/** The chat. It stays mounted while closed, so that the conversation is not lost. */
export function Assistant({ userId, open, onClose, onTasksChanged }: Props) {
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLTextAreaElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const lastId = useRef(0);

  useEffect(() => {
    if (open) input.current?.focus();
  }, [open]);

  useEffect(() => {
    end.current?.scrollIntoView({ block: "end" });
    // Both make the conversation longer.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [entries, busy]);

  async function send(text: string) {
    const message = text.trim();
    if (!message || busy) return;
    const history = entries
      .filter((entry) => !entry.error)
      .slice(-HISTORY_LENGTH)
      .map(({ role, content }) => ({ role, content }));
    lastId.current += 1;
    const asked: Entry = { id: lastId.current, role: "user", content: message };
    setEntries((before) => [...before.filter((entry) => !entry.error), asked]);
    setBusy(true);
    try {
      const { reply, actions } = await sendMessage(userId, message, history);
      lastId.current += 1;
      const answer: Entry = { id: lastId.current, role: "assistant", content: reply, actions };
      setEntries((before) => [...before, answer]);
      if (changesTasks(actions)) onTasksChanged();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      setEntries((before) =>
        before.map((entry) => (entry.id === asked.id ? { ...entry, error: reason } : entry)),
      );
      if (input.current && !input.current.value) input.current.value = message;
    } finally {
      setBusy(false);
    }
  }

  function submit() {
    const field = input.current;
    if (!field || busy) return;
    const text = field.value;
    field.value = "";
    field.focus();
    void send(text);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      submit();
    }
  }

  return (
    <aside
      id="assistant"
      className={styles.panel}
      aria-labelledby="assistant-title"
      hidden={!open}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <div className={styles.head}>
        <SparkIcon />
        <h2 id="assistant-title" className={styles.title}>
          Assistant
        </h2>
        <button type="button" className="icon-button" aria-label="Close chat" onClick={onClose}>
          <CloseIcon />
        </button>
      </div>
      <div className={styles.scroll}>
        {entries.length === 0 && (
          <div className={styles.intro}>
            <p>Ask about your tasks, or say what should be added or completed.</p>
            <div className={styles.ideas}>
              {IDEAS.map((idea) => (
                <button key={idea} type="button" className={styles.idea} onClick={() => void send(idea)}>
                  {idea}
                </button>
              ))}
            </div>
          </div>
        )}
        <div role="log" aria-label="Conversation" aria-busy={busy} className={styles.log} tabIndex={0}>
          {entries.map((entry) => (
            <ChatEntry key={entry.id} entry={entry} />
          ))}
        </div>
        {busy && (
          <div className={styles.thinking} role="status">
            <span className="visually-hidden">Thinking…</span>
            <i />
            <i />
            <i />
          </div>
        )}
        <div ref={end} />
      </div>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <label htmlFor="message" className="visually-hidden">
          Message
        </label>
        <textarea
          ref={input}
          id="message"
          className={styles.input}
          placeholder="Write a message"
          rows={1}
          maxLength={2000}
          enterKeyHint="send"
          onKeyDown={onKeyDown}
        />
        <button type="submit" className={styles.send} aria-label="Send" disabled={busy}>
          <SendIcon />
        </button>
      </form>
    </aside>
  );
}

function ChatEntry({ entry }: { entry: Entry }) {
  const done = (entry.actions ?? []).map(summarize).filter((text) => text !== null);
  return (
    <div className={styles.entry} data-role={entry.role}>
      <p className={styles.bubble}>
        <span className="visually-hidden">
          {entry.role === "user" ? "You said: " : "Answer: "}
        </span>
        {entry.content}
      </p>
      {done.map((text) => (
        <p key={text} className={styles.action}>
          {text}
        </p>
      ))}
      {entry.error && <p className={styles.error}>Not answered: {entry.error}</p>}
    </div>
  );
}
