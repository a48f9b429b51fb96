"use client";

import { useRef } from "react";
import { PlusIcon } from "./icons";
import styles from "./tasks.module.css";

/** The form above the list. What could not be added comes back into the field. */
export function NewTask({ onAdd }: { onAdd: (title: string) => Promise<boolean> }) {
  const input = useRef<HTMLInputElement>(null);

  async function submit(form: FormData) {
    const field = input.current;
    const title = String(form.get("title") ?? "").trim();
    if (!field || !title) return field?.focus();
    field.value = "";
    field.focus();
    if (!(await onAdd(title)) && !field.value) field.value = title;
  }

  return (
    <form
      className={styles.newTask}
      // The action serves submissions that come before the page's scripts; afterwards several
      // tasks can be on their way at once, which actions would line up.
      action={submit}
      onSubmit={(event) => {
        event.preventDefault();
        void submit(new FormData(event.currentTarget));
      }}
    >
      <label htmlFor="new-task" className="visually-hidden">
        New task
      </label>
      <input
        ref={input}
        id="new-task"
        name="title"
        className={styles.newTaskInput}
        placeholder="What needs doing?"
        autoComplete="off"
        enterKeyHint="done"
        maxLength={200}
      />
      <button type="submit" className="button primary">
        <PlusIcon />
        <span>Add task</span>
      </button>
    </form>
  );
}
