"use client";

import { useState } from "react";
import type { TaskChange } from "@/lib/api";
import { filterItems, type Filter, type Item, type TaskState } from "@/lib/task-state";
import { TaskItem } from "./task-item";
import styles from "./tasks.module.css";

const FILTERS: readonly { value: Filter; label: string }[] = [
  { value: "all", label: "All" },
  { value: "open", label: "Open" },
  { value: "done", label: "Done" },
];

const EMPTY: Record<Filter, { title: string; text: string }> = {
  all: { title: "A clear day", text: "Write down the first thing on your mind." },
  open: { title: "All done", text: "Nothing is waiting for you. Enjoy it." },
  done: { title: "Nothing done yet", text: "What you tick off gathers here." },
};

interface Props {
  state: TaskState;
  onReload(): Promise<void>;
  onChange(item: Item, change: TaskChange): void;
  onDelete(item: Item): void;
}

export function TaskList({ state, onReload, onChange, onDelete }: Props) {
  const [filter, setFilter] = useState<Filter>("all");
  const shown = filterItems(state.items, filter);
  const counts: Record<Filter, number> = {
    all: state.items.length,
    open: filterItems(state.items, "open").length,
    done: filterItems(state.items, "done").length,
  };
  const settled = state.status === "ready" || state.items.length > 0;

  return (
    <>
      {state.status === "failed" && <LoadProblem detail={state.detail} onReload={onReload} />}
      {state.items.length > 0 && (
        <div className={styles.filters} role="group" aria-label="Show">
          {FILTERS.map(({ value, label }) => (
            <button
              key={value}
              type="button"
              className={styles.filter}
              aria-pressed={filter === value}
              onClick={() => setFilter(value)}
            >
              {label} <span className={styles.count}>{counts[value]}</span>
            </button>
          ))}
        </div>
      )}
      {state.status === "loading" && !settled && <Skeleton />}
      {/* The role is said aloud: without list markers, some browsers no longer call it a list. */}
      <ul role="list" aria-label="Tasks" className={styles.list}>
        {shown.map((item) => (
          <TaskItem key={item.key} item={item} onChange={onChange} onDelete={onDelete} />
        ))}
      </ul>
      {state.status !== "failed" && settled && shown.length === 0 && (
        <div className={styles.empty}>
          <EmptyDrawing />
          <p className={styles.emptyTitle}>{EMPTY[filter].title}</p>
          <p>{EMPTY[filter].text}</p>
        </div>
      )}
    </>
  );
}

function LoadProblem({ detail, onReload }: { detail: string; onReload: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  return (
    <div className={styles.problem} role="alert">
      <p className={styles.emptyTitle}>Your tasks cannot be loaded</p>
      <p>{detail}</p>
      <button
        type="button"
        className="button"
        disabled={busy}
        onClick={async () => {
          setBusy(true);
          await onReload();
          setBusy(false);
        }}
      >
        Try again
      </button>
    </div>
  );
}

function Skeleton() {
  return (
    <div className={styles.skeleton} role="status">
      <span className="visually-hidden">Loading your tasks</span>
      <i />
      <i />
      <i />
    </div>
  );
}

function EmptyDrawing() {
  return (
    <svg width="96" height="72" viewBox="0 0 96 72" fill="none" aria-hidden="true" focusable="false">
      <path d="M8 60h80" stroke="var(--line-strong)" strokeWidth="2" strokeLinecap="round" />
      <path d="M20 60a28 28 0 0 1 56 0" fill="var(--accent-soft)" />
      <g stroke="var(--accent)" strokeWidth="2" strokeLinecap="round">
        <path d="M48 12v8M22 22l5 6M74 22l-5 6M8 42l7 3M88 42l-7 3" />
      </g>
    </svg>
  );
}
