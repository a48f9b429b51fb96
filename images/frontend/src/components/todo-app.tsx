"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, call } from "@/lib/api";
import type { Item } from "@/lib/task-state";
import { useTasks, type InitialTasks } from "@/lib/use-tasks";
import { Assistant } from "./assistant";
import { Logo, SignOutIcon, SparkIcon } from "./icons";
import { NewTask } from "./new-task";
import { TaskList } from "./task-list";
import { ToastRegion, useToast } from "./toasts";
import styles from "./todo-app.module.css";

interface Props {
  user: { id: string; name: string; email: string };
  initial: Promise<InitialTasks>;
}

export function TodoApp({ user, initial }: Props) {
  const { toast, show, hide } = useToast();
  const [chatOpen, setChatOpen] = useState(false);
  const chatButton = useRef<HTMLButtonElement>(null);
  const main = useRef<HTMLElement>(null);

  const onProblem = useCallback(
    (what: string, error: unknown) => {
      // The session has ended, perhaps in another tab.
      if (error instanceof ApiError && error.status === 401) window.location.replace("/sign-in");
      show({ text: what, ...(error instanceof Error ? { detail: error.message } : {}) });
    },
    [show],
  );
  const tasks = useTasks(user.id, initial, onProblem);
  const { state, change, remove, restore } = tasks;
  const open = state.items.filter((item) => !item.completed).length;

  const closeChat = useCallback(() => {
    setChatOpen(false);
    chatButton.current?.focus();
  }, []);

  // On a small screen the chat covers the page, which must not take the focus from below.
  useEffect(() => {
    const small = window.matchMedia("(max-width: 899px)");
    const update = () => main.current?.toggleAttribute("inert", chatOpen && small.matches);
    update();
    small.addEventListener("change", update);
    return () => small.removeEventListener("change", update);
  }, [chatOpen]);

  async function deleteItem(item: Item) {
    const index = state.items.indexOf(item);
    // The focus would fall out of the page with the button that had it.
    document.getElementById("new-task")?.focus({ preventScroll: true });
    if (await remove(item)) {
      show({ text: "Task deleted", undo: () => void restore(item, index) });
    }
  }

  async function signOut() {
    try {
      await call("POST", "/api/auth/sign-out", {});
      window.location.replace("/sign-in");
    } catch (error) {
      onProblem("You are still signed in", error);
    }
  }

  return (
    <div className={styles.shell} data-chat={chatOpen || undefined}>
      <header className={styles.header}>
        <div className={styles.brand}>
          <Logo />
          <span>Todo</span>
        </div>
        <div className={styles.tools}>
          <span className={styles.user} title={user.email}>
            {user.name}
          </span>
          <button
            ref={chatButton}
            type="button"
            className="button"
            aria-expanded={chatOpen}
            aria-controls="assistant"
            onClick={() => (chatOpen ? closeChat() : setChatOpen(true))}
          >
            <SparkIcon />
            <span>Assistant</span>
          </button>
          <button type="button" className="button quiet" onClick={() => void signOut()}>
            <SignOutIcon />
            <span className={styles.wide}>Sign out</span>
          </button>
        </div>
      </header>
      <main ref={main} className={styles.main}>
        <div className={styles.heading}>
          <h1>Your tasks</h1>
          <p aria-live="polite">{state.status === "ready" && summary(open, state.items.length)}</p>
        </div>
        <NewTask onAdd={async (title) => (await tasks.add(title)) !== null} />
        <TaskList
          state={state}
          onReload={tasks.reload}
          onChange={(item, wanted) => void change(item, wanted)}
          onDelete={(item) => void deleteItem(item)}
        />
      </main>
      <Assistant
        userId={user.id}
        open={chatOpen}
        onClose={closeChat}
        onTasksChanged={() => void tasks.reload()}
      />
      <ToastRegion toast={toast} hide={hide} />
    </div>
  );
}

function summary(open: number, all: number): string {
  if (all === 0) return "";
  if (open === 0) return "Everything is done.";
  return `${open} of ${all} still open`;
}
